-- What an undo has settled already: by what it did, whether the account as a whole was to go or come
-- and couldn't, and whether anything was kept, so many accounts and so many things kept.
select
    coalesce(done.action, ''), coalesce(kept.whole, false), kept.row is not null,
    count(*), coalesce(sum(kept.number), 0)::bigint
from (select row, action from muster.changes where run_id = $1) done
full join (
    select row, count(*) as number, bool_or(field = 'account') as whole
    from muster.kept
    where run_id = $1
    group by row
) kept on kept.row = done.row
group by 1, 2, 3
