-- How far somebody is: by the account, and by the invitations.
case
    when account.status = 'deactivated' then 'closed'
    when account.status = 'active' then
        case when exists (
            select from muster.invitations mail
            where mail.account_id = account.id and mail.kind = 'invite' and mail.state = 'accepted'
        ) then 'accepted' else 'active' end
    when exists (
        select from muster.invitations mail
        where mail.account_id = account.id and mail.kind = 'invite' and mail.state <> 'cancelled'
            and (mail.sent_at is not null or mail.state = 'unknown')
    ) then 'invited'
    when exists (
        select from muster.invitations mail
        where mail.account_id = account.id and mail.kind = 'invite' and mail.state = 'cancelled'
    ) then 'cancelled'
    else 'not-invited'
end
