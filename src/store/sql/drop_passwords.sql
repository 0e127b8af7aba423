-- A hash that is replaced in place would count as chosen by its owner. $1 the run.
delete from muster.credentials secret
using muster_passwords given
join muster.password_changes noted on noted.run_id = $1 and noted.account_id = given.account_id
where secret.account_id = given.account_id
