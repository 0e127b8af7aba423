-- One text for each account: a test of each column would take three times as long.
select id
from muster.accounts
where concat_ws(' ', first_name, last_name, display_name, email, external_id, username) ilike $1
limit $2
