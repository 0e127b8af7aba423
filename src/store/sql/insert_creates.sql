-- The staged way in, for rows $1 to $2: a key that somebody took meanwhile leaves its row out.
-- In key order, so that two sessions that want the same keys queue up instead of deadlocking.
insert into muster.accounts (
    id, external_id, email, email_key, username, username_key,
    first_name, last_name, display_name, phone, country, language, organization,
    role, other_roles, status, start_date, end_date, manager, attributes, run_id, run_row
)
select
    id, external_id, email, email_key, username, username_key,
    first_name, last_name, display_name, phone, country, language, organization,
    role, other_roles, status, start_date, end_date, manager, attributes, run_id, run_row
from muster_creates
where run_row between $1 and $2
order by email_key, external_id, username_key
on conflict do nothing
returning run_row
