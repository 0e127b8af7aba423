-- Removes a group that is empty and has none below it, and keeps what it was.
with removed as (
    delete from muster.groups grouping
    where id = $2
        and not exists (select from muster.memberships membership where membership.group_id = grouping.id)
        and not exists (select from muster.groups child where child.parent_id = grouping.id)
    returning *
)
insert into muster.group_changes (run_id, group_id, action, path, key, parent_id, made_by, created_at, visibility)
select $1, id, 'remove', path, key, parent_id, run_id, created_at, visibility from removed
on conflict (run_id, group_id) do update set action = 'remove'
