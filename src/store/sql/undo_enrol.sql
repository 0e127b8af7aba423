-- Enrolments come back. $1 the undo, $2::uuid[] accounts, $3::text[] keys of sessions among groups.
insert into muster.enrolments (account_id, session_id, run_id)
select distinct unit.account_id, session.id, $1
from unnest($2::uuid[], $3::text[], $4::text[]) as unit (account_id, key, role)
join muster.sessions session on '//' || session.key = unit.key
on conflict do nothing
