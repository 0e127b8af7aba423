-- How many people are in each of the groups $1::uuid[]: by themselves, only from a group below, and by
-- themselves in it or in a group below. Only a group with others below needs to tell people apart.
with recursive tree (top, id) as (
    select id, id from muster.groups where id = any ($1)
    union
    select tree.top, below.id from tree join muster.groups below on below.parent_id = tree.id
),
direct as (
    select membership.group_id, count(*) filter (where not membership.inherited) as own,
        count(*) filter (where membership.inherited) as inherited
    from muster.memberships membership
    where membership.group_id = any ($1)
    group by membership.group_id
),
nested as (
    select tree.top, count(distinct membership.account_id) as members
    from tree
    join muster.memberships membership on membership.group_id = tree.id and not membership.inherited
    where tree.top in (select top from tree where top <> id)
    group by tree.top
)
select grouping.id, coalesce(direct.own, 0), coalesce(direct.inherited, 0), coalesce(nested.members, direct.own, 0)
from muster.groups grouping
left join direct on direct.group_id = grouping.id
left join nested on nested.top = grouping.id
where grouping.id = any ($1)
