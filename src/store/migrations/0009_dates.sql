-- When people stop.

-- The last day. Whoever's pipeline says `dates = "schedule"` is deactivated the day after it.
alter table muster.accounts add column end_date date;

-- A run closes and opens the accounts that are due; few have a date that is still to come.
create index accounts_end_date on muster.accounts (end_date) where end_date is not null and status <> 'deactivated';
create index accounts_start_date on muster.accounts (start_date) where start_date is not null and status = 'invited';
