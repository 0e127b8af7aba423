-- People with what decides whether a mail of that kind may go out on day $3; null where first days
-- don't matter. Who they are comes before this: row, account_id, and whether the run created it.
select
    named.row, account.id, named.created, account.email, account.email_key, account.username,
    account.first_name, account.last_name, account.display_name, account.language,
    account.organization, account.role, account.status,
    array(
        select grouping.path
        from muster.memberships membership join muster.groups grouping on grouping.id = membership.group_id
        where membership.account_id = account.id
        order by grouping.path
    ),
    case
        when latest.state in ('sent', 'unknown')
            and (
                latest.expires_at <= now()
                or latest.email_key is distinct from account.email_key
                or latest.username_key <> coalesce(account.username_key, '')
            ) then 'expired'
        else latest.state
    end,
    exists (select from muster.suppressions suppressed where suppressed.email_key = account.email_key),
    exists (select from muster.credentials secret where secret.account_id = account.id and not secret.must_change),
    account.other_roles,
    coalesce(account.start_date > $3::text::date, false),
    array(
        select session.id
        from muster.enrolments enrolment join muster.sessions session on session.id = enrolment.session_id
        where enrolment.account_id = account.id and session.starts_at > now() and not exists (
            select from muster.invitations mail
            where mail.account_id = account.id and mail.session_id = session.id and mail.kind = 'session'
                and mail.state <> 'queued'
        )
        order by session.starts_at, session.key
    )
from named
join muster.accounts account on account.id = named.account_id
left join lateral (
    select invitation.state, invitation.expires_at, invitation.email_key, invitation.username_key
    from muster.invitations invitation
    where invitation.account_id = account.id and invitation.kind = $2
    order by invitation.created_at desc, invitation.id desc
    limit 1
) latest on true
order by named.row, account.username_key, account.email_key
