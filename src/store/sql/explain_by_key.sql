-- Accounts by id $1, external id $2, e-mail key $3 or username key $4.
select id from muster.accounts
where id = $1 or external_id = $2 or email_key = $3 or username_key = $4
order by id
