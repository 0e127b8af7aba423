-- Keeps what the staged passwords replace. $1 the run, $2 the rows that went in.
insert into muster.password_changes (
    run_id, account_id, hash_before, must_change, expires_at, changed_before, run_before, hash_after
)
select $1, given.account_id, secret.password_hash, secret.must_change, secret.expires_at, secret.changed_at,
    secret.run_id, given.password_hash
from muster_passwords given
join muster_updates staged on staged.account_id = given.account_id and staged.row = any ($2)
left join muster.credentials secret on secret.account_id = given.account_id
