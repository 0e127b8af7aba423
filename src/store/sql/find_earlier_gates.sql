-- What the safeguards said in the finished runs of the pipeline $1 in the last $2 minutes, newest first.
select gates::text
from muster.runs
where state = 'finished' and gates is not null
    and summary -> 'pipeline' ->> 'name' = $1
    and started_at > now() - make_interval(secs => $2::float8 * 60)
order by started_at desc, id desc
