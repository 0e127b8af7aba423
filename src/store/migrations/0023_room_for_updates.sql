-- Room on each page of the accounts, so that a changed person stays on it and no index needs a new entry:
-- most runs change few people, and seldom their keys.
do $$
begin
    if (select relkind from pg_catalog.pg_class where oid = 'muster.accounts'::regclass) = 'r' then
        alter table muster.accounts set (fillfactor = 95);
    end if;
end
$$;
