-- Claims whose sender is gone: its session's lock is free, or the claim's time is over.
select id, message_id, via
from muster.invitations
where state = 'sending' and leased_by <> $1
    and (lease_until < now() or pg_try_advisory_xact_lock(leased_by))
for update skip locked
