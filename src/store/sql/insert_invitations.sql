-- Queues mails. Who has a way in of that kind already, by whomever, keeps that one.
insert into muster.invitations (id, run_id, account_id, kind, email, email_key, lifetime, message, message_id, pipeline)
select wanted.id, coalesce(nullif($1, ''), account.run_id, ''), account.id, $2, account.email, account.email_key, make_interval(mins => $3), $4, wanted.message_id, $8
from unnest($5::uuid[], $6::uuid[], $7::text[]) as wanted (id, account_id, message_id)
join muster.accounts account on account.id = wanted.account_id and account.email_key is not null
on conflict (account_id, kind)
    where state in ('queued', 'sending', 'sent', 'unknown') and kind in ('invite', 'reset', 'temporary') do nothing
