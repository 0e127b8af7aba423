-- Tables that are filled apart, without an index that each row would have to go into, and that nobody else sees. Autovacuum
-- would only be in the way.
create table muster.load_accounts (like muster.accounts including all excluding indexes excluding statistics)
    with (autovacuum_enabled = off);
create table muster.load_memberships (like muster.memberships including all excluding indexes excluding statistics)
    with (autovacuum_enabled = off);
do $$
declare
    settings text;
begin
    for settings in
        select format('alter table muster.%I set (%s)', 'load_' || relname, array_to_string(reloptions, ', '))
        from pg_class
        where oid in ('muster.accounts'::regclass, 'muster.memberships'::regclass) and reloptions is not null
    loop
        execute settings;
    end loop;
end
$$
