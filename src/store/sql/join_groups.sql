-- Memberships of the rows in $1::int[], which went in, with their roles. $2::text  the run
insert into muster.memberships (account_id, group_id, run_id, roles, inherited)
select
    account_id, group_id, $2,
    coalesce(array_agg(role order by role collate "C") filter (where role <> ''), '{}'),
    bool_and(role is not null and role = '')
from muster_moves
where not enrols and not leaves and row = any ($1)
group by account_id, group_id
on conflict (account_id, group_id) do update
set roles = array(select distinct role from unnest(memberships.roles || excluded.roles) role order by role),
    inherited = memberships.inherited and excluded.inherited
