-- What runs changed of these accounts, oldest first; the last column: whether that was the last touch.
select c.account_id, c.run_id, c.before::text, c.after::text, c.changed_at = a.updated_at
from muster.changes c
join muster.accounts a on a.id = c.account_id
where c.account_id = any ($1) and c.action = 'update'
order by c.account_id, c.changed_at, c.run_id
