-- The rows of the runs $1 that needed work: the row, its origin, and the first later run that
-- settled it, of those that weren't taken back ($2).
select mends.run_id, mends.row, mends.origin_run, mends.origin_row, (
    select later.run_id
    from muster.mends as later
    where later.origin_run = mends.origin_run and later.origin_row = mends.origin_row
        and later.settles and later.run_id > mends.run_id and not later.run_id = any ($2)
    order by later.run_id
    limit 1
)
from muster.mends
where mends.run_id = any ($1) and mends.outcome in ('rejected', 'failed', 'held')
order by mends.run_id, mends.row
