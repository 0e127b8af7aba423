-- The chunk's ledger row, in the chunk's own transaction.
insert into muster.chunks (run_id, first_row, rows, outcomes) values ($1, $2, $3, $4)
