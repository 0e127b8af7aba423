-- Sends again: the old link ends, a new mail with a new Message-ID waits.
update muster.invitations invitation
set state = 'queued', token_sha256 = null, expires_at = null, message = coalesce($3, message),
    message_id = wanted.message_id, via = null, attempts = 0, resends = resends + 1, reply = null,
    not_before = null, leased_by = null, lease_until = null, changed_at = now(),
    email = account.email, email_key = account.email_key, pipeline = $4
from unnest($1::uuid[], $2::text[]) as wanted (id, message_id), muster.accounts account
where invitation.id = wanted.id and invitation.state not in ('accepted', 'sending')
    and account.id = invitation.account_id and account.email_key is not null
    -- Who isn't to be mailed keeps the link that is out.
    and muster.may_be_mailed(invitation.kind, account.status, account.id, invitation.session_id)
    and not exists (select from muster.suppressions suppressed where suppressed.email_key = account.email_key)
