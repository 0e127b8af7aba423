-- As join_groups.sql, where the memberships are a view of a table that has no roles: who is in stays in.
-- $2::text  the run
insert into muster.memberships (account_id, group_id, run_id, roles, inherited)
select distinct account_id, group_id, $2, '{}'::text[], false
from muster_moves
where not enrols and not leaves and role is null and row = any ($1)
