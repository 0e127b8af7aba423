-- The first $8 of the people whom run $1 names after row $2, of those whose status is one of $3, in row
-- order. Only those of role $4, of the organizations $5 and in the groups $6, without the accounts $7.
with of_run (row, account_id, created) as (
    select run_row, id, true from muster.accounts where run_id = $1 and run_row > $2
    union all
    select row, account_id, false from muster.changes where run_id = $1 and row > $2
    union all
    select person.row, person.account_id, false
    from muster.chunks, unnest(unchanged_rows, unchanged_accounts) as person (row, account_id)
    where run_id = $1 and person.row > $2
)
select of_run.row, of_run.account_id, of_run.created
from of_run join muster.accounts account on account.id = of_run.account_id
where account.status = any ($3) and ($4::text is null or account.role = $4 or $4 = any (account.other_roles))
    and ($5::text[] is null or account.organization = any ($5))
    and ($6::uuid[] is null or exists (
        select from muster.memberships membership
        where membership.account_id = account.id and membership.group_id = any ($6)
    ))
    and not account.id = any ($7)
order by of_run.row
limit $8
