-- How many people are in the groups $1::uuid[], and how many of them are in no other by themselves.
with inside as (
    select distinct account_id from muster.memberships where group_id = any ($1)
)
select count(*), count(*) filter (where not exists (
    select from muster.memberships other
    where other.account_id = inside.account_id and not other.inherited and other.group_id <> all ($1)
))
from inside
