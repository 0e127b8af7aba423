-- Puts back the passwords that a run replaced. $1 the run, $2 the accounts, whose passwords are gone.
insert into muster.credentials (account_id, password_hash, must_change, expires_at, changed_at, run_id)
select account_id, hash_before, must_change, expires_at, changed_before, run_before
from muster.password_changes
where run_id = $1 and account_id = any ($2) and hash_before is not null
