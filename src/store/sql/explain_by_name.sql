-- Accounts, there or removed, of which $1 is the name, in lower case and with single spaces.
select id
from muster.accounts
where lower(concat_ws(' ', first_name, last_name)) = $1
    or lower(concat_ws(' ', last_name, first_name)) = $1
    or lower(display_name) = $1
union
select account_id
from muster.changes
where action = 'remove'
    and (
        lower(concat_ws(' ', before ->> 'first_name', before ->> 'last_name')) = $1
        or lower(before ->> 'display_name') = $1
    )
order by 1
