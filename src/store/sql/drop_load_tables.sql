-- Drops the load tables of whatever run: what its ledger says was never in the accounts.
do $$
declare
    run text;
begin
    select split_part(obj_description(oid, 'pg_class'), ' ', 1) into run
    from pg_catalog.pg_class
    where oid = to_regclass('muster.load_accounts')
        and pg_catalog.pg_has_role(current_user, relowner, 'USAGE');
    if found then
        delete from muster.chunks where run_id = run and first_row >= 0;
        drop table muster.load_accounts, muster.load_memberships;
    end if;
end
$$
