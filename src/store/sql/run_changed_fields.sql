select field, count(*)
from (
    select after from muster.changes where run_id = $1 and action = 'update' order by row limit $2
) change, jsonb_object_keys(change.after) field
group by field
order by count(*) desc, field collate "C"
