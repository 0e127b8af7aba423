-- As begin_writes.sql, and not to be on disk before the next chunk begins: the run's own connection, which
-- dies with the server, closes the run by a commit that waits for all before it. What a crash loses, its ledger rows
-- are lost with. Not for accounts on other servers, which commit for themselves.
begin;
set local muster.writes = 'on';
set local synchronous_commit = off
