-- The enrolments of accounts that came back, where the session is there. $1 the undo, $2::int[] rows.
insert into muster.enrolments (account_id, session_id, run_id)
select image.account_id, session.id, image.after -> 'enrolled_by' ->> session.key
from muster.changes image
join muster.sessions session on image.after -> 'enrolments' ? session.key
where image.run_id = $1 and image.row = any ($2) and image.action = 'restore'
on conflict do nothing
