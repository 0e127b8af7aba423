with claimed as (
    select id, args, stdin from muster.jobs where id = $1 and state = 'waiting' for update
)
update muster.jobs as job
set state = 'running', started_at = now(), seen_at = now(), stdin = null
from claimed
where job.id = claimed.id
returning claimed.args, claimed.stdin, job.who
