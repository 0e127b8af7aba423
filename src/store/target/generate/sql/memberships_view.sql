create view muster.memberships as
select
    link.account_id as account_id,
    grouping.group_id as group_id,
    own.run_id as run_id,
    '{}'::text[] as roles,
    false as inherited,
    link.key as account_key,
    grouping.key as group_key
from {table} m
join muster.links link on {is_account}
join muster.group_links grouping on {is_group}
left join muster.membership_links own on own.account_key = link.key and own.group_key = grouping.key;
