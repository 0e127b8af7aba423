-- Begins memberships of accounts $2::uuid[] in the groups of keys $3::text[]; $4::text[] are roles there:
-- null for the membership itself, empty for an inherited one. $1 the undo.
insert into muster.memberships (account_id, group_id, run_id, roles, inherited)
select
    unit.account_id, grouping.id, $1,
    coalesce(array_agg(unit.role order by unit.role collate "C") filter (where unit.role <> ''), '{}'),
    bool_and(unit.role is not null and unit.role = '')
from unnest($2::uuid[], $3::text[], $4::text[]) as unit (account_id, key, role)
join muster.groups grouping on grouping.key = unit.key
group by unit.account_id, grouping.id
on conflict (account_id, group_id) do update
set roles = array(select distinct role from unnest(memberships.roles || excluded.roles) role order by role),
    inherited = memberships.inherited and excluded.inherited
