-- As undo_moves.sql, where the memberships are a view of a table that has no roles.
insert into muster.memberships (account_id, group_id, run_id, roles, inherited)
select distinct unit.account_id, grouping.id, $1, '{}'::text[], false
from unnest($2::uuid[], $3::text[], $4::text[]) as unit (account_id, key, role)
join muster.groups grouping on grouping.key = unit.key
where unit.role is null
