-- Removed accounts come back as they were; none is known of the other roles of those that were removed
-- before there were such. $1 the undo, $2 the run that removed them, $3::int[] rows.
with image as (
    select row, account_id, before from muster.changes where run_id = $2 and row = any ($3) and action = 'remove'
),
returned as (
    insert into muster.accounts
    select (jsonb_populate_record(
        null::muster.accounts, '{"other_roles": []}' || before - 'memberships' - 'enrolments' - 'enrolled_by' - 'invitations'
    )).* from image
    returning id
)
insert into muster.changes (run_id, row, account_id, before, after, action)
select $1, image.row, image.account_id, '{}', image.before, 'restore'
from image join returned on returned.id = image.account_id
