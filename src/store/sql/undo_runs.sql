-- The undos of run $1, newest first.
select id, state, to_char(started_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
from muster.runs
where undoes = $1
order by started_at desc, id desc
