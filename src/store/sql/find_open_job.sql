-- The job with the subject $1 that waits or runs. One whose process is gone is as in list_jobs.sql.
select id
from muster.jobs
where subject = $1 and subject <> '' and state in ('waiting', 'running')
    and (
        coalesce(seen_at, created_at) >= now() - interval '30 seconds'
        or exists (
            select from pg_locks
            where locktype = 'advisory' and granted and objsubid = 2 and classid = 1836413802
                and objid::bigint = ('x' || right(id::text, 8))::bit(32)::bigint
                and database = (select oid from pg_database where datname = current_database())
        )
    )
order by created_at
limit 1
