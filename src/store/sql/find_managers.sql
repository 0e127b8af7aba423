-- For each of the managers that rows name, how many accounts that may be: 1 where it has that external id,
-- e-mail key or username key, else how many have that full name.
-- $1::text[]  as an external id
-- $2::text[]  as an e-mail key, or null
-- $3::text[]  as a username key
-- $4::text[]  as a full name in lower case, first name first
with asked as (
    select *
    from unnest($1::text[], $2::text[], $3::text[], $4::text[])
        with ordinality as of (external_id, email_key, username_key, name, number)
),
named as (
    select lower(concat_ws(' ', a.first_name, a.last_name)) as name, count(*) as people
    from muster.accounts a
    where lower(concat_ws(' ', a.first_name, a.last_name)) in (select name from asked)
    group by 1
)
select
    case
        when exists (select from muster.accounts a where a.external_id = asked.external_id)
            or exists (select from muster.accounts a where a.email_key = asked.email_key)
            or exists (select from muster.accounts a where a.username_key = asked.username_key)
        then 1
        else coalesce(named.people, 0)
    end
from asked
left join named on named.name = asked.name
order by asked.number
