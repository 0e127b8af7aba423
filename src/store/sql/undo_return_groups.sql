-- Groups that run $2 removed come back, in the name of the undo $1: below the group that has the name of
-- the one above now, if somebody made it again.
with gone as (
    select removed.group_id, removed.path, removed.key, coalesce(there.id, removed.parent_id) as parent_id,
        removed.made_by, removed.created_at, removed.visibility
    from muster.group_changes removed
    left join muster.group_changes above on above.run_id = removed.run_id and above.action = 'remove'
        and above.group_id = removed.parent_id
    left join muster.groups there on there.key = above.key
    where removed.run_id = $2 and removed.action = 'remove'
        and not exists (select from muster.groups there where there.id = removed.group_id or there.key = removed.key)
),
returned as (
    insert into muster.groups (id, path, key, parent_id, run_id, created_at, visibility)
    select group_id, path, key, parent_id, made_by, created_at, visibility from gone
    returning id
)
insert into muster.group_changes (run_id, group_id, action, path, key, parent_id, made_by, created_at, visibility)
select $1, group_id, 'restore', path, key, parent_id, made_by, created_at, visibility from gone
on conflict do nothing
