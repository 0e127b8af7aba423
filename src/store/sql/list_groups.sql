-- All groups with their members: those in the group by themselves, those who only came down from a group
-- below, and all who are in it or in a group below by themselves.
with recursive tree (top, id) as (
    select id, id from muster.groups
    union
    select tree.top, below.id from tree join muster.groups below on below.parent_id = tree.id
),
direct as (
    select membership.group_id, count(*) filter (where not membership.inherited) as own,
        count(*) filter (where membership.inherited) as inherited
    from muster.memberships membership
    group by membership.group_id
),
nested as (
    select tree.top, count(distinct membership.account_id) as members
    from tree
    join muster.memberships membership on membership.group_id = tree.id and not membership.inherited
    group by tree.top
)
select
    grouping.id, grouping.path, grouping.key, grouping.parent_id, grouping.visibility = 'public', grouping.run_id,
    to_char(grouping.created_at at time zone 'utc', 'YYYY-MM-DD HH24:MI'),
    coalesce(direct.own, 0), coalesce(direct.inherited, 0), coalesce(nested.members, 0)
from muster.groups grouping
left join direct on direct.group_id = grouping.id
left join nested on nested.top = grouping.id
order by grouping.key collate "C"
