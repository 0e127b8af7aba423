-- The groups that run $1 made or brought back: path, and how many members will stay.
select grouping.id, grouping.path, (
        select count(*)
        from muster.memberships membership
        where membership.group_id = grouping.id
            and not exists (
                select from muster_leaving leaving
                where leaving.account_id = membership.account_id and leaving.group_id = membership.group_id
            )
    ),
    array(select child.id from muster.groups child where child.parent_id = grouping.id)
from muster.groups grouping
where grouping.run_id = $1
    or grouping.id in (select group_id from muster.group_changes where run_id = $1 and action = 'restore')
order by grouping.key
