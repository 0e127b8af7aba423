-- The links end at once.
update muster.invitations
set state = 'cancelled', token_sha256 = null, changed_at = now()
where id = any ($1) and state in ('queued', 'sending', 'sent', 'failed', 'unknown', 'expired')
