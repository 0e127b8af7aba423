-- Counts run $1 for those who are missing ($3), and forgets those of source $2 who are back or gone ($4).
with over as (
    delete from muster.absences absence
    using muster.accounts account, muster.runs run
    where account.id = absence.account_id and run.id = account.run_id and run.source = $2
        and (absence.account_id <> all ($3) or absence.account_id = any ($4))
)
insert into muster.absences (account_id, runs, last_run)
select missing, 1, $1 from unnest($3::uuid[]) as missing where missing <> all ($4)
on conflict (account_id) do update
set runs = absences.runs + 1, last_run = excluded.last_run
where absences.last_run <> excluded.last_run
