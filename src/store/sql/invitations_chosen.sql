-- Which invitations are meant: everybody's newest of each kind. What isn't asked for is null.
-- $1 the run, $2::text[] states, $3::text[] kinds, $4 a part of an address or a username, $5::uuid[] their ids,
-- $6::uuid[] those left out, $7::int within how many hours a link ends
from muster.invitations invitation
left join muster.runs run on run.id = invitation.run_id
left join muster.sessions session on session.id = invitation.session_id
join muster.accounts account on account.id = invitation.account_id
cross join lateral (
    select case when invitation.state in ('sent', 'unknown') and invitation.expires_at <= now() then 'expired'
        else invitation.state end as state
) now_is
where ($1::text is null or invitation.run_id = $1)
    and ($2::text[] is null or now_is.state = any ($2))
    and ($3::text[] is null or invitation.kind = any ($3))
    and ($4::text is null or strpos(coalesce(invitation.email_key, ''), $4) > 0
        or strpos(coalesce(account.username_key, ''), $4) > 0)
    and ($5::uuid[] is null or invitation.id = any ($5))
    and ($6::uuid[] is null or invitation.id <> all ($6))
    and ($7::int is null or now_is.state in ('sent', 'unknown')
        and invitation.expires_at < now() + make_interval(hours => $7))
    and not exists (
        select from muster.invitations newer
        where newer.account_id = invitation.account_id and newer.kind = invitation.kind
            and newer.session_id is not distinct from invitation.session_id
            and newer.minutes_before is not distinct from invitation.minutes_before
            and (newer.created_at, newer.id) > (invitation.created_at, invitation.id)
    )
