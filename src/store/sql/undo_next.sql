-- Units of run $1, at most $3: behind row $2, or those of the accounts $4, if that isn't null.
select unit.row, unit.account_id, unit.action, changes.before::text, changes.after::text
from muster_units unit
left join muster.changes changes on changes.run_id = $1 and changes.row = unit.row and unit.action <> 'create'
where unit.row > $2 and ($4::uuid[] is null or unit.account_id = any ($4))
order by unit.row
limit $3
