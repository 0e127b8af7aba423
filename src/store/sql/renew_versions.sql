-- What this transaction parked is another version of the row now.
update muster_updates staged
set version = account.xmin::text
from muster.accounts account
where account.id = staged.account_id and account.xmin = pg_current_xact_id()::xid
