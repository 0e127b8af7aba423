-- Mails that wait though they shouldn't go out any more.
update muster.invitations invitation
set state = 'cancelled', token_sha256 = null, changed_at = now(),
    reply = 'the account has another address or status by now, or the address is suppressed'
from muster.accounts account
where invitation.state = 'queued' and account.id = invitation.account_id
    and (
        account.email_key is distinct from invitation.email_key
        or account.status <> case invitation.kind when 'invite' then 'invited' else 'active' end
        or exists (select from muster.suppressions suppressed where suppressed.email_key = invitation.email_key)
    )
