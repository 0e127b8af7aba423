-- What an undo finds and leaves of passwords. $1 the undo, $2 the run, $3 the accounts.
insert into muster.password_changes (
    run_id, account_id, hash_before, must_change, expires_at, changed_before, run_before, hash_after
)
select $1, noted.account_id, secret.password_hash, secret.must_change, secret.expires_at, secret.changed_at,
    secret.run_id, noted.hash_before
from muster.password_changes noted
left join muster.credentials secret on secret.account_id = noted.account_id
where noted.run_id = $2 and noted.account_id = any ($3)
