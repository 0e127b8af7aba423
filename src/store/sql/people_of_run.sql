-- Everybody whom a run names. Where $1 is null, every account.
    select run_row, id, true from muster.accounts where run_id = $1
    union all
    select row, account_id, false from muster.changes where run_id = $1
    union all
    select person.row, person.account_id, false
    from muster.chunks, unnest(unchanged_rows, unchanged_accounts) as person (row, account_id)
    where run_id = $1
    union all
    select 0, id, false from muster.accounts where $1::text is null
