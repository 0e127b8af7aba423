select id, args, kind, about, who,
    case
        when state in ('waiting', 'running')
            and coalesce(seen_at, created_at) < now() - interval '30 seconds'
            and not exists (
                select from pg_locks
                where locktype = 'advisory' and granted and objsubid = 2 and classid = 1836413802
                    and objid::bigint = ('x' || right(id::text, 8))::bit(32)::bigint
                    and database = (select oid from pg_database where datname = current_database())
            )
        then 'lost'
        else state
    end,
    to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    to_char(ended_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    exit_code, progress::text, stop_wanted, run_id, stdout, stderr, leads_to
from muster.jobs
where $1::uuid is null or id = $1
order by created_at desc, id
limit $2
