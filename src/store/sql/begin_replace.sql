-- Whoever reads or writes the accounts waits from here to the end of the transaction; nobody is kept waiting for long by one
-- who can't get the lock.
begin;
set local lock_timeout = '2s';
set local statement_timeout = 0;
set local muster.writes = 'on';
lock table muster.accounts, muster.memberships in access exclusive mode
