-- The run that was cut off on the same input and pipeline. The caller holds the lock, so nobody else is at it.
select id, seed, to_char(started_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    (extract(epoch from started_at) * 1000)::bigint,
    exists (select from muster.chunks where run_id = runs.id) or leavers_at is not null
from muster.runs
where state <> 'finished' and inputs = $1 and pipeline_sha256 = $2
order by started_at desc
limit 1
