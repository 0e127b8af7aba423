-- $1 is a run's id or the beginning of one; `last` is resolved by the caller.
select id, state, summary::text, folder
from muster.runs
where id like $1 || '%'
order by started_at desc
limit 2
