select count(*), count(*) filter (where status <> 'deactivated'), (select count(*) from muster.groups)
from muster.accounts
