-- Ends memberships of accounts $1::uuid[] in the groups of keys $2::text[]; $3::text[] says whether they
-- are inherited ones (empty) or not (null).
delete from muster.memberships membership
using unnest($1::uuid[], $2::text[], $3::text[]) as unit (account_id, key, role)
join muster.groups grouping on grouping.key = unit.key
where membership.account_id = unit.account_id and membership.group_id = grouping.id
    and (unit.role is null and not membership.inherited or unit.role = '' and membership.inherited)
