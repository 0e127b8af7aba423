select id
from muster.accounts
where first_name || ' ' || last_name ilike $1 or first_name ilike $1 or last_name ilike $1
    or display_name ilike $1 or email ilike $1 or external_id ilike $1 or username ilike $1
limit $2
