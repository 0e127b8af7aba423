-- Ends and begins memberships: accounts $2::uuid[] with the keys $3::text[] of groups; $4::bool[] says which leave.
with move as (
    select unit.account_id, grouping.id as group_id, unit.leaves
    from unnest($2::uuid[], $3::text[], $4::bool[]) as unit (account_id, key, leaves)
    join muster.groups grouping on grouping.key = unit.key
),
left_now as (
    delete from muster.memberships membership
    using move
    where move.leaves and membership.account_id = move.account_id and membership.group_id = move.group_id
)
insert into muster.memberships (account_id, group_id, run_id)
select account_id, group_id, $1 from move where not leaves
on conflict do nothing
