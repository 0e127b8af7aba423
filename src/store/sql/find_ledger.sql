-- The whole ledger of a run, in row order; the chunk of its moves is -1.
select first_row, outcomes, notes from muster.chunks where run_id = $1 order by first_row
