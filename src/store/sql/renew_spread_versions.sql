-- As renew_versions.sql, where accounts are spread over servers.
update muster_updates staged
set version = account.xmin::text
from muster.accounts account
where account.id = staged.account_id and account.id = any (array(select account_id from muster_updates))
    and staged.version is null
