-- What undo $1 left as it was, and whose it is.
select kept.account_id, coalesce(account.email, account.username, ''), coalesce(account.external_id, ''),
    kept.field, kept.reason
from muster.kept
left join muster.accounts account on account.id = kept.account_id
where kept.run_id = $1
order by kept.row, kept.field
