-- Lets in who begins ($2), and keeps what they were. What the run itself changed meanwhile counts. Rows count
-- down from -1, after those of the leavers.
with begun as (
    update muster.accounts account
    set status = 'active', updated_at = now()
    where account.id = any ($2) and account.status = 'invited'
        and not exists (
            select from muster.changes change
            where change.run_id = $1 and change.account_id = account.id and change.after ?| array['start_date', 'end_date']
        )
    returning account.id
), numbered as (
    select id, row_number() over (order by id) as number,
        (select count(*) from muster.changes where run_id = $1 and row < 0) as before
    from begun
)
insert into muster.changes (run_id, row, account_id, before, after)
select $1, -(before + number), id, '{"status": "invited"}', '{"status": "active"}'
from numbered
