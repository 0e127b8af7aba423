-- Accounts that had the external id $1, e-mail key $2, username key $3 or id $4 once, and were
-- removed or, unless $6, have another one now. $5 is the e-mail address as typed.
select distinct account_id
from muster.changes
where action <> 'update' and account_id = $4
    or action = 'remove' and (
        before ->> 'external_id' = $1 or before ->> 'email_key' = $2 or before ->> 'username_key' = $3
    )
    or action = 'update' and not $6 and (
        before ->> 'external_id' = $1 or before ->> 'username' = $1 or lower(before ->> 'email') = lower($5)
    )
order by account_id
