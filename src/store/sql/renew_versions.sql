-- What this transaction parked is another version of the row now.
update muster_updates staged
set version = account.xmin::text
from muster.accounts account
where account.id = staged.account_id and staged.version is null
