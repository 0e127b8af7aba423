-- Queues mails about sessions. $1 run, $2 kind, $3 the administrator's words, $4::uuid[] … $7::text[] ids,
-- accounts, sessions and Message-IDs, $8 pipeline, $9 minutes before the beginning, null for no reminder. What
-- an account has already it doesn't get again.
insert into muster.invitations
    (id, run_id, account_id, session_id, kind, email, email_key, message, message_id, pipeline, minutes_before)
select wanted.id, $1, account.id, wanted.session_id, $2, account.email, account.email_key, $3, wanted.message_id, $8, $9
from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[]) as wanted (id, account_id, session_id, message_id)
join muster.accounts account on account.id = wanted.account_id and account.email_key is not null
on conflict (account_id, session_id, kind, coalesce(minutes_before, 0))
    where state <> 'cancelled' and session_id is not null do nothing
