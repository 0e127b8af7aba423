-- The two halves of LOCK_RUN.
select activity.application_name,
    to_char(activity.backend_start at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
from pg_locks as held
left join pg_stat_activity as activity using (pid)
where held.locktype = 'advisory' and held.granted and held.objsubid = 1
    and held.classid = 1836413812 and held.objid = 1701969922
    and held.database = (select oid from pg_database where datname = current_database())
limit 1
