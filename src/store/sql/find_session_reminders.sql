-- Who is to be reminded of which session now. $1 source, $2::int[] the minutes before a beginning. Of
-- several that have come, the latest counts. Only people with a mail about the session are reminded, and
-- nobody who got it since.
select enrolment.account_id, enrolment.session_id, due.minutes, coalesce(enrolment.run_id, '')
from muster.sessions session
cross join lateral (
    select min(minutes) as minutes from unnest($2::int[]) minutes
    where session.starts_at - make_interval(mins => minutes) <= now()
) due
join muster.enrolments enrolment on enrolment.session_id = session.id
join muster.accounts account on account.id = enrolment.account_id and account.status <> 'deactivated'
join muster.runs run on run.id = enrolment.run_id and run.source = $1
where session.starts_at > now() and due.minutes is not null and account.email_key is not null
    and not exists (select from muster.suppressions suppressed where suppressed.email_key = account.email_key)
    and exists (
        select from muster.invitations mail
        where mail.account_id = account.id and mail.session_id = session.id and mail.kind = 'session'
            and mail.state in ('sent', 'unknown')
            and coalesce(mail.sent_at, mail.changed_at) <= session.starts_at - make_interval(mins => due.minutes)
    )
    and not exists (
        select from muster.invitations mail
        where mail.account_id = account.id and mail.session_id = session.id and mail.kind = 'session-reminder'
            and mail.minutes_before = due.minutes and mail.state <> 'queued'
    )
order by session.starts_at, session.key, account.email_key
