-- Enrolments of the rows in $1::int[], which went in. $2::text  the run
insert into muster.enrolments (account_id, session_id, run_id)
select distinct account_id, group_id, $2
from muster_moves
where enrols and not leaves and row = any ($1)
on conflict do nothing
