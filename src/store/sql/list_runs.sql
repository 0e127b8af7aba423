select id, kind, state, to_char(started_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), summary::text, folder, pipeline
from muster.runs
order by started_at desc, id desc
limit $1
