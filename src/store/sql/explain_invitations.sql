-- The ways in that account $1 got, also those whose account is removed ($2: their ids).
select
    run_id, kind, coalesce(email, username), state, via, resends, reply,
    (extract(epoch from created_at) * 1000000)::bigint,
    (extract(epoch from sent_at) * 1000000)::bigint,
    (extract(epoch from accepted_at) * 1000000)::bigint,
    (extract(epoch from changed_at) * 1000000)::bigint,
    expires_at <= now() and state in ('sent', 'unknown')
from muster.invitations
where account_id = $1 or id = any ($2)
order by created_at, id
