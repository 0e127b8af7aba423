-- What the members of removed groups were in before and after. $1 the run; rows, accounts, entries as JSON.
insert into muster.changes (run_id, row, account_id, before, after)
select $1, unit.row, unit.account_id,
    jsonb_build_object('groups', unit.before::jsonb), jsonb_build_object('groups', unit.after::jsonb)
from unnest($2::int[], $3::uuid[], $4::text[], $5::text[]) as unit (row, account_id, before, after)
