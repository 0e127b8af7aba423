-- Ends enrolments of accounts $1::uuid[] in the sessions whose keys among groups are $2::text[].
delete from muster.enrolments enrolment
using unnest($1::uuid[], $2::text[], $3::text[]) as unit (account_id, key, role)
join muster.sessions session on '//' || session.key = unit.key
where enrolment.account_id = unit.account_id and enrolment.session_id = session.id
