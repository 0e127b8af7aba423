-- Links that are handed over in person, for accounts $1::uuid[]: each takes the place of the one that is
-- out, if any, and of a temporary password.
with account as (
    select id, run_id, case status when 'invited' then 'invite' else 'reset' end as kind
    from muster.accounts
    where id = any ($1) and status <> 'deactivated' and coalesce(email_key, username_key) is not null
), ended as (
    update muster.invitations invitation
    set state = 'cancelled', token_sha256 = null, changed_at = now(), reply = 'a link was handed over instead'
    from account
    where invitation.account_id = account.id and invitation.kind in (account.kind, 'temporary')
        and invitation.state in ('queued', 'sending', 'sent', 'unknown')
    returning invitation.account_id, invitation.run_id
)
select
    account.id, account.kind,
    coalesce((select max(ended.run_id) from ended where ended.account_id = account.id), account.run_id, '')
from account
