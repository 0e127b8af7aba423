-- Accounts that pass on keys to each other let go of them first, for unique indexes are checked row
-- by row. Nobody else sees it: the new keys come in the same transaction. What is parked is another
-- version of the row then, which renew_versions.sql asks for.
with parked as (
    update muster.accounts account
    set email = null, email_key = null, username = null, username_key = null
    from muster_updates staged
    where account.id = staged.account_id and account.xmin::text = staged.version
    returning account.id
)
update muster_updates staged
set version = null
from parked
where staged.account_id = parked.id
