-- Memberships of the rows in $1::int[], which went in. $2::text  the run
insert into muster.memberships (account_id, group_id, run_id)
select account_id, group_id, $2 from muster_moves
where not leaves and row = any ($1)
on conflict do nothing
