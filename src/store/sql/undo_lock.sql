-- Nobody changes, uses or refers to these accounts until the transaction ends. In order, against deadlocks.
select id from muster.accounts where id = any ($1) order by id for update
