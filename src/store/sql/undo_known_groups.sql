-- The groups of $1::text[] that exist, and those that run $2 removed; and sessions, under the keys that they
-- have among groups.
select key from muster.groups where key = any ($1)
union
select key from muster.group_changes where run_id = $2 and action = 'remove' and key = any ($1)
union all
select '//' || key from muster.sessions where '//' || key = any ($1)
