-- Accounts that runs of source $1 made, that are not deactivated, and that no key of the file names.
select account.id, account.external_id, account.email, account.email_key,
    coalesce(account.display_name, concat_ws(' ', account.first_name, account.last_name)),
    account.role, account.status, coalesce(absence.runs, 0),
    coalesce(floor(extract(epoch from now() - absence.since) / 86400), 0)::bigint,
    account.other_roles
from muster.accounts account
join muster.runs run on run.id = account.run_id and run.source = $1
left join muster.absences absence on absence.account_id = account.id
where account.status <> 'deactivated'
    and not exists (select from muster_keys k where k.external_id = account.external_id)
    and not exists (select from muster_keys k where k.email_key = account.email_key)
    and not exists (select from muster_keys k where k.username_key = account.username_key)
    and not exists (select from muster_keys k where k.account_id = account.id)
order by account.id
