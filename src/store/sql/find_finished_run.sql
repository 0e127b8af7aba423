-- The last run that finished on the same input and pipeline.
select id, to_char(finished_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
from muster.runs
where state = 'finished' and inputs = $1 and pipeline_sha256 = $2
order by finished_at desc
limit 1
