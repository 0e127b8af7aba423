select id,
    coalesce(nullif(concat_ws(' ', first_name, last_name), ''), display_name, ''),
    email, external_id, username, status,
    to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
from muster.accounts
where id = any ($1)
