-- Gives the noted accounts the staged passwords. $1 the run.
insert into muster.credentials (account_id, password_hash, run_id, must_change)
select given.account_id, given.password_hash, given.run_id, given.must_change
from muster_passwords given
join muster.password_changes noted on noted.run_id = $1 and noted.account_id = given.account_id
