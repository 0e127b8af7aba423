select first_row, outcomes from muster.chunks where run_id = $1 and first_row >= 0 order by first_row
