-- Mails that wait though they shouldn't go out any more.
update muster.invitations invitation
set state = 'cancelled', token_sha256 = null, changed_at = now(),
    reply = case when invitation.session_id is null
        then 'the account has another address or status by now, or the address is suppressed'
        else 'the session has begun, the person is no longer enrolled, or the address has changed or is suppressed'
    end
from muster.accounts account
where invitation.state = 'queued' and account.id = invitation.account_id
    and (
        account.email_key is distinct from invitation.email_key
        or not muster.may_be_mailed(invitation.kind, account.status, account.id, invitation.session_id)
        or exists (select from muster.suppressions suppressed where suppressed.email_key = invitation.email_key)
    )
