-- Tables that are filled apart, without an index that each row would have to go into, and that nobody else sees. Autovacuum
-- would only be in the way.
create table muster.load_accounts (like muster.accounts including all excluding indexes excluding statistics)
    with (autovacuum_enabled = off);
create table muster.load_memberships (like muster.memberships including all excluding indexes excluding statistics)
    with (autovacuum_enabled = off)
