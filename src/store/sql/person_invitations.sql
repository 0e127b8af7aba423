-- The ways in of account $1 that are open: mails that are yet to be sent, and links that work.
select kind, state, to_char(sent_at at time zone 'utc', 'YYYY-MM-DD HH24:MI'),
    to_char(expires_at at time zone 'utc', 'YYYY-MM-DD HH24:MI'), via, run_id
from muster.invitations
where account_id = $1 and state in ('queued', 'sending', 'sent', 'unknown') and (expires_at is null or expires_at > now())
order by created_at, id
