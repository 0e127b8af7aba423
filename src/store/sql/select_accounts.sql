-- Accounts with what a selection needs of them; the status of a closed one is what it was before the
-- last change that closed it.
select
    account.id, account.external_id, account.email, account.email_key, account.username, account.username_key,
    account.status, account.first_name, account.last_name, account.display_name,
    case when account.status = 'deactivated' then (
        select change.before ->> 'status'
        from muster.changes change
        where change.account_id = account.id and change.after ->> 'status' = 'deactivated'
        order by change.changed_at desc
        limit 1
    ) end,
    account.role || account.other_roles
from muster.accounts account
