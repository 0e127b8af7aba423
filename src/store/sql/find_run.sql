select id, kind, state, to_char(started_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), summary::text, folder, pipeline
from muster.runs
where id = $1
