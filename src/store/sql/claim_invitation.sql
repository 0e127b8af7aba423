-- Takes one waiting mail, if nobody else has it and it may still go out. The old link ends here,
-- the new one begins.
with free as (
    select invitation.id
    from muster.invitations invitation
    join muster.accounts account on account.id = invitation.account_id
    where invitation.id = $1 and invitation.state = 'queued'
        and account.email_key = invitation.email_key
        and muster.may_be_mailed(invitation.kind, account.status, account.id, invitation.session_id)
        and not exists (select from muster.suppressions suppressed where suppressed.email_key = invitation.email_key)
    for update of invitation skip locked
)
update muster.invitations invitation
set state = 'sending', via = $2, leased_by = $3, lease_until = now() + interval '15 minutes',
    token_sha256 = case when invitation.kind in ('invite', 'reset', 'temporary') then $4::bytea end, expires_at = now() + invitation.lifetime,
    attempts = invitation.attempts + 1, changed_at = now()
from free, muster.accounts account
where invitation.id = free.id and account.id = invitation.account_id
returning invitation.kind, invitation.message_id, invitation.attempts - 1, invitation.email,
    invitation.message, extract(epoch from invitation.expires_at)::bigint,
    account.username, account.first_name, account.last_name, account.display_name, account.language,
    account.organization, account.role,
    array(
        select grouping.path
        from muster.memberships membership join muster.groups grouping on grouping.id = membership.group_id
        where membership.account_id = account.id
        order by grouping.path
    ),
    invitation.session_id
