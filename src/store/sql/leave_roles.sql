-- Roles within groups that end, of the rows in $1::int[], which went in.
update muster.memberships m
set roles = array(select role from unnest(m.roles) role where role <> all (s.roles))
from (
    select account_id, group_id, array_agg(role) as roles
    from muster_moves
    where leaves and role <> '' and row = any ($1)
    group by account_id, group_id
) s
where m.account_id = s.account_id and m.group_id = s.group_id
