-- Ends the links whose time is over, by this database's clock, and those for an address or a username
-- that the account no longer has.
update muster.invitations invitation
set state = 'expired', token_sha256 = null, changed_at = now(),
    reply = case
        when account.email_key is distinct from invitation.email_key then 'the account has another address by now'
        when invitation.username_key <> coalesce(account.username_key, '')
            then 'the account has another username by now'
        else reply
    end
from muster.accounts account
where account.id = invitation.account_id and invitation.state in ('sent', 'unknown')
    and invitation.kind in ('invite', 'reset', 'temporary')
    and (
        invitation.expires_at <= now()
        or account.email_key is distinct from invitation.email_key
        or invitation.username_key <> coalesce(account.username_key, '')
    )
