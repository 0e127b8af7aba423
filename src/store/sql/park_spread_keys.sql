-- As park_keys.sql, where accounts are spread over servers: these read and lock what they are told by
-- itself, not by a join.
with parked as (
    update muster.accounts account
    set email = null, email_key = null, username = null, username_key = null
    from muster_updates staged
    where account.id = staged.account_id and account.id = any (array(select account_id from muster_updates))
        and account.xmin::text = staged.version
    returning account.id
)
update muster_updates staged
set version = null
from parked
where staged.account_id = parked.id
