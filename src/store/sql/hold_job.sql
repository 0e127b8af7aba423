-- "musj" in ASCII, and the end of the job's id, as list_jobs.sql looks for it.
select pg_try_advisory_lock(1836413802, ('x' || right($1::uuid::text, 8))::bit(32)::integer)
