-- What run $1 did to which account, a line each, less what its undo $2 (null: none yet) has settled.
-- The row is the run's own; a row did one thing.
insert into muster_units (row, account_id, action)
select row, account_id, action
from (
    select run_row as row, id as account_id, 'create' as action
    from muster.accounts
    where run_id = $1
    union all
    select row, account_id, action from muster.changes where run_id = $1
) did
where not exists (select from muster.changes c where c.run_id = $2 and c.row = did.row)
    and not exists (select from muster.kept k where k.run_id = $2 and k.row = did.row)
on conflict do nothing
