select first_row, outcomes from muster.chunks where run_id = $1 order by first_row
