-- Ends the roles $3::text[] of accounts $1::uuid[] within the groups of keys $2::text[].
update muster.memberships membership
set roles = array(select role from unnest(membership.roles) role where role <> all (gone.roles))
from (
    select unit.account_id, grouping.id as group_id, array_agg(unit.role) as roles
    from unnest($1::uuid[], $2::text[], $3::text[]) as unit (account_id, key, role)
    join muster.groups grouping on grouping.key = unit.key
    where unit.role <> ''
    group by unit.account_id, grouping.id
) gone
where membership.account_id = gone.account_id and membership.group_id = gone.group_id
