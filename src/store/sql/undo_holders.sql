-- Who has the external ids $1, the e-mail keys $2, the username keys $3.
select 0, external_id, id from muster.accounts where external_id = any ($1)
union all
select 1, email_key, id from muster.accounts where email_key = any ($2)
union all
select 2, username_key, id from muster.accounts where username_key = any ($3)
