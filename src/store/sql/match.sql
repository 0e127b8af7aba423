-- Which accounts the rows of muster_keys are about. One line per row that finds any.
-- $1::int[]  the keys by which an account is found, in their order: 1 external_id, 2 email, 3 username
-- $2::bool   whether memberships are wanted
with found as materialized (
    select
        k.row,
        x.id as by_external_id,
        e.id as by_email,
        u.id as by_username,
        coalesce(
            (array[x.id, e.id, u.id])[($1::int[])[1]],
            (array[x.id, e.id, u.id])[($1::int[])[2]],
            (array[x.id, e.id, u.id])[($1::int[])[3]]
        ) as account_id
    from muster_keys k
    left join muster.accounts x on x.external_id = k.external_id
    left join muster.accounts e on e.email_key = k.email_key
    left join muster.accounts u on u.username_key = k.username_key
    where coalesce(x.id, e.id, u.id) is not null
),
joined as (
    select m.account_id, array_agg(g.key order by g.key) as groups
    from muster.memberships m
    join muster.groups g on g.id = m.group_id
    where $2 and m.account_id in (select account_id from found)
    group by m.account_id
)
select
    f.row, f.by_external_id, f.by_email, f.by_username,
    a.id, a.xmin::text,
    a.external_id, a.email, a.username, a.first_name, a.last_name, a.display_name,
    a.phone, a.country, a.language, a.organization, a.role, a.status,
    a.start_date::text, a.end_date::text, a.manager,
    a.email_key, a.username_key,
    a.attributes::text,
    j.groups
from found f
left join muster.accounts a on a.id = f.account_id
left join joined j on j.account_id = f.account_id
order by f.row
