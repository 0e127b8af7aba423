-- Removes the passwords that the noted accounts had. $1 the run.
delete from muster.credentials secret
using muster_passwords given
join muster.password_changes noted on noted.run_id = $1 and noted.account_id = given.account_id
where secret.account_id = given.account_id
