-- Accounts that runs of source $1 made and whose day has come on day $2: those whose last day is over and
-- whom no key of the file names, for a row decides for its own; and where $3, those who were waiting for a
-- first day since before it.
select account.id, account.external_id, account.email, account.email_key,
    coalesce(account.display_name, concat_ws(' ', account.first_name, account.last_name)),
    account.role, account.status, true, account.other_roles
from muster.accounts account
join muster.runs run on run.id = account.run_id and run.source = $1
where account.end_date < $2::text::date and account.status <> 'deactivated'
    and (account.start_date is null or account.start_date <= account.end_date)
    and not exists (select from muster_keys k where k.external_id = account.external_id)
    and not exists (select from muster_keys k where k.email_key = account.email_key)
    and not exists (select from muster_keys k where k.username_key = account.username_key)
    and not exists (select from muster_keys k where k.account_id = account.id)
union all
select account.id, account.external_id, account.email, account.email_key,
    coalesce(account.display_name, concat_ws(' ', account.first_name, account.last_name)),
    account.role, account.status, false, account.other_roles
from muster.accounts account
join muster.runs run on run.id = account.run_id and run.source = $1
where $3::bool and account.start_date <= $2::text::date and account.status = 'invited'
    and account.start_date > (account.created_at at time zone 'UTC')::date
    and (account.end_date is null or account.end_date >= $2::text::date or account.end_date < account.start_date)
