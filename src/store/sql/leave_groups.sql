-- Memberships that end, of the rows in $1::int[], which went in.
delete from muster.memberships m
using muster_moves s
where s.leaves and s.row = any ($1) and m.account_id = s.account_id and m.group_id = s.group_id
    and (s.role is null and not m.inherited or s.role = '' and m.inherited)
