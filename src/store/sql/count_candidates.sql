-- The people whom run $1 names, counted by what decides whether a mail of kind $2 may go out on day $3.
-- Only those of role $4, of the organizations $5 and in the groups $6, without the accounts $7.
with latest as (
    select distinct on (account_id) account_id,
        case
            when state in ('sent', 'unknown')
                and (
                    expires_at <= now()
                    or email_key is distinct from (select account.email_key from muster.accounts account where account.id = account_id)
                    or username_key <> coalesce((select account.username_key from muster.accounts account where account.id = account_id), '')
                ) then 'expired'
            else state
        end as state
    from muster.invitations
    where kind = $2
    order by account_id, created_at desc, id desc
),
hears as (
    select enrolment.account_id, count(*) as mails
    from muster.enrolments enrolment join muster.sessions session on session.id = enrolment.session_id
    where session.starts_at > now() and not exists (
        select from muster.invitations mail
        where mail.account_id = enrolment.account_id and mail.session_id = session.id and mail.kind = 'session'
            and mail.state <> 'queued'
    )
    group by enrolment.account_id
),
secret as (
    select distinct account_id from muster.credentials where not must_change
),
named as (
    select id, email_key, status, start_date, role, other_roles, organization, true as created
    from muster.accounts where run_id = $1
    union all
    select account.id, email_key, status, start_date, role, other_roles, organization, false
    from muster.accounts account
    join (
        select account_id from muster.changes where run_id = $1
        union all
        select person.account_id
        from muster.chunks, unnest(unchanged_accounts) as person (account_id)
        where run_id = $1
    ) of_run on of_run.account_id = account.id
)
select
    account.created, account.email_key is null, octet_length(account.email_key) = char_length(account.email_key),
    substr(account.email_key, strpos(account.email_key, '@') + 1),
    account.status, latest.state, suppressed.email_key is not null, secret.account_id is not null,
    coalesce(account.start_date > $3::text::date, false), hears.mails, count(*)
from named account
left join latest on latest.account_id = account.id
left join hears on hears.account_id = account.id
left join secret on secret.account_id = account.id
left join muster.suppressions suppressed on suppressed.email_key = account.email_key
where ($4::text is null or account.role = $4 or $4 = any (account.other_roles))
    and ($5::text[] is null or account.organization = any ($5))
    and ($6::uuid[] is null or exists (
        select from muster.memberships membership
        where membership.account_id = account.id and membership.group_id = any ($6)
    ))
    and not account.id = any ($7)
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
