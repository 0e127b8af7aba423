-- Ends the links whose time is over, by this database's clock.
update muster.invitations
set state = 'expired', token_sha256 = null, changed_at = now()
where state in ('sent', 'unknown') and expires_at <= now()
