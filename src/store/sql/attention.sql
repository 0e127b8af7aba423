-- What waits for somebody. Each count stops at $1, so that no page waits for it.
select
    (select count(*) from (
        select from muster.accounts account
        where account.status = 'invited' and account.run_id is not null
            and not exists (
                select from muster.invitations invitation
                where invitation.account_id = account.id and invitation.kind = 'invite'
            )
        limit $1
    ) counted),
    (select count(*) from (select from muster.invitations where state = 'unknown' limit $1) counted),
    (select count(*) from (
        select from muster.invitations
        where state = 'sent' and kind in ('invite', 'reset') and expires_at between now() and now() + interval '2 days'
        limit $1
    ) counted),
    (select count(*) from (select from muster.absences limit $1) counted)
