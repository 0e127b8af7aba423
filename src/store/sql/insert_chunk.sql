-- The chunk's ledger row, in the chunk's own transaction.
insert into muster.chunks (run_id, first_row, rows, outcomes, unchanged_rows, unchanged_accounts, notes)
values ($1, $2, $3, $4, $5, $6, $7)
