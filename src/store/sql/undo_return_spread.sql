-- As undo_return.sql, where the accounts are spread over servers: their view has a column that nobody writes.
with image as (
    select row, account_id, before from muster.changes where run_id = $2 and row = any ($3) and action = 'remove'
),
returned as (
    insert into muster.accounts (
        id, external_id, email, email_key, username, username_key,
        first_name, last_name, display_name, phone, country, language, organization,
        role, other_roles, status, start_date, end_date, manager, attributes, edits,
        run_id, run_row, created_at, updated_at
    )
    select
        was.id, was.external_id, was.email, was.email_key, was.username, was.username_key,
        was.first_name, was.last_name, was.display_name, was.phone, was.country, was.language, was.organization,
        was.role, was.other_roles, was.status, was.start_date, was.end_date, was.manager, was.attributes, was.edits,
        was.run_id, was.run_row, was.created_at, was.updated_at
    from image, jsonb_populate_record(
        null::muster.accounts, '{"other_roles": []}' || image.before - 'memberships' - 'enrolments' - 'enrolled_by' - 'invitations'
    ) as was
    returning id
)
insert into muster.changes (run_id, row, account_id, before, after, action)
select $1, image.row, image.account_id, '{}', image.before, 'restore'
from image join returned on returned.id = image.account_id
