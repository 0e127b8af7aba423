-- Rows of run $1 that needed fixing or fix a row of an earlier run; $2 to $6 have a value for each.
insert into muster.mends (run_id, row, origin_run, origin_row, outcome, settles)
select $1, row, coalesce(origin_run, $1), origin_row, outcome, settles
from unnest($2::integer[], $3::text[], $4::integer[], $5::text[], $6::boolean[])
    as of (row, origin_run, origin_row, outcome, settles)
