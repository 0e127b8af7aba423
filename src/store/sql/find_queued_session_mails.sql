-- What waits for a sender about sessions, of pairs of accounts $2::uuid[] and sessions $3::uuid[].
select invitation.id, split_part(invitation.email_key, '@', 2), extract(epoch from invitation.not_before)::bigint
from muster.invitations invitation
join unnest($2::uuid[], $3::uuid[]) as wanted (account_id, session_id)
    on wanted.account_id = invitation.account_id and wanted.session_id = invitation.session_id
where invitation.state = 'queued' and invitation.kind = $1
order by invitation.created_at, invitation.id
