-- Enrolments that end, of the rows in $1::int[], which went in.
delete from muster.enrolments enrolment
using muster_moves s
where s.enrols and s.leaves and s.row = any ($1)
    and enrolment.account_id = s.account_id and enrolment.session_id = s.group_id
