-- Accounts that a run made and nobody ever used; their memberships go with them.
delete from muster.accounts account
where account.id = any ($1) and account.status = 'invited' and account.run_id is not null
    and not exists (select from muster.credentials secret where secret.account_id = account.id)
    and not exists (
        select from muster.invitations invitation
        where invitation.account_id = account.id and invitation.state = 'accepted'
    )
