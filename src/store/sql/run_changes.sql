select row, account_id, before::text, after::text
from muster.changes
where run_id = $1 and action = 'update' and ($2::text is null or after ? $2::text)
order by row
offset $3 limit $4
