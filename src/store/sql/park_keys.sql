-- Accounts that pass on keys to each other let go of them first, for unique indexes are checked row
-- by row. Nobody else sees it: the new keys come in the same transaction.
update muster.accounts account
set email = null, email_key = null, username = null, username_key = null
from muster_updates staged
where account.id = staged.account_id and account.xmin::text = staged.version
