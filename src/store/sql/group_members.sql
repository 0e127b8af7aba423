-- Everybody who is in one of the groups $1::uuid[], with all of their memberships as
-- meaning/membership.rs unpacks them.
select membership.account_id, array_agg(case
    when membership.inherited then grouping.key || '//'
    when membership.roles = '{}' then grouping.key
    else grouping.key || '//' || array_to_string(membership.roles, '//')
end)
from muster.memberships membership
join muster.groups grouping on grouping.id = membership.group_id
where membership.account_id in (select inside.account_id from muster.memberships inside where inside.group_id = any ($1))
group by membership.account_id
order by membership.account_id
