-- Deactivates leavers and keeps what they were. Their rows count down from -1.
with gone as (
    update muster.accounts account
    set status = 'deactivated', updated_at = now()
    from (
        select id, status from muster.accounts where id = any ($2) and status <> 'deactivated' for no key update
    ) was
    where account.id = was.id
    returning account.id, was.status
), numbered as (
    select id, status, row_number() over (order by id) as number,
        (select count(*) from muster.changes where run_id = $1 and row < 0) as before
    from gone
)
insert into muster.changes (run_id, row, account_id, before, after)
select $1, -(before + number), id, jsonb_build_object('status', status), jsonb_build_object('status', 'deactivated')
from numbered
