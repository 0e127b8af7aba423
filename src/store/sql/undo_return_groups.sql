-- Groups that run $2 removed come back, in the name of the undo $1.
with gone as (
    select * from muster.group_changes removed
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
