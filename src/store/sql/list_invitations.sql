-- Invitations, newest first; what isn't asked for is null. A link whose time is over is `expired`.
select id, run_id, account_id, kind, email, state, reply, via, attempts, resends, newest, age_minutes, sent, expires, usable, pipeline, username_key, session
from (
    select
        invitation.id, invitation.run_id, account_id, invitation.kind, coalesce(invitation.email, invitation.username) as email,
        coalesce(invitation.email_key, invitation.username_key) as key,
        coalesce(account.username_key, invitation.username_key) as username_key,
        case when invitation.state in ('sent', 'unknown') and expires_at <= now() then 'expired' else invitation.state end as state,
        session.name as session, reply, via, attempts, resends, invitation.created_at,
        -- Links that were handed over before their pipeline was kept: the run's.
        coalesce(invitation.pipeline, run.pipeline) as pipeline,
        row_number() over (partition by account_id, invitation.kind, session_id, minutes_before order by invitation.created_at desc, invitation.id desc) = 1 as newest,
        floor(extract(epoch from now() - invitation.created_at) / 60)::bigint as age_minutes,
        to_char(sent_at at time zone 'utc', 'YYYY-MM-DD HH24:MI') as sent,
        to_char(expires_at at time zone 'utc', 'YYYY-MM-DD HH24:MI') as expires,
        token_sha256 is not null and (expires_at is null or expires_at > now()) as usable
    from muster.invitations invitation
    left join muster.runs run on run.id = invitation.run_id
    left join muster.sessions session on session.id = invitation.session_id
    left join muster.accounts account on account.id = invitation.account_id
) invitation
where ($1::text is null or run_id = $1)
    and ($2::text[] is null or state = any ($2))
    and ($3::text[] is null or key = any ($3) or username_key = any ($4))
    and ($5::bigint is null or age_minutes >= $5)
    and ($6::uuid[] is null or id = any ($6))
order by created_at desc, id desc
