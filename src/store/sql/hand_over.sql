-- A link that is handed over in person: it takes the place of the one that is out, if any, and of a
-- temporary password.
with account as (
    select id, run_id, email, email_key, case status when 'invited' then 'invite' else 'reset' end as kind
    from muster.accounts
    where email_key = $1 and status <> 'deactivated'
), ended as (
    update muster.invitations invitation
    set state = 'cancelled', token_sha256 = null, changed_at = now(), reply = 'a link was handed over instead'
    from account
    where invitation.account_id = account.id and invitation.kind in (account.kind, 'temporary')
        and invitation.state in ('queued', 'sending', 'sent', 'unknown')
    returning invitation.run_id
)
select account.id, account.kind, coalesce((select max(ended.run_id) from ended), account.run_id, ''), account.email
from account
