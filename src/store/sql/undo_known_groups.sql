-- The groups of $1::text[] that exist, and those that run $2 removed.
select key from muster.groups where key = any ($1)
union
select key from muster.group_changes where run_id = $2 and action = 'remove' and key = any ($1)
