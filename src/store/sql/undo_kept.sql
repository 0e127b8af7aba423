insert into muster.kept (run_id, row, account_id, field, reason)
select $1, row, account_id, field, reason
from unnest($2::int[], $3::uuid[], $4::text[], $5::text[]) as kept (row, account_id, field, reason)
on conflict do nothing
