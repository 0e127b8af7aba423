-- What waits for a sender, of some accounts, oldest first.
select invitation.id, split_part(invitation.email_key, '@', 2), extract(epoch from invitation.not_before)::bigint
from muster.invitations invitation
where invitation.state = 'queued' and invitation.kind = $1 and invitation.account_id = any ($2)
order by invitation.created_at, invitation.id
