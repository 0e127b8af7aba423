-- The chunks of run $1 that are in, of those that begin at the rows $2.
select first_row from muster.chunks where run_id = $1 and first_row = any ($2)
