-- A run that was cut off goes on with what it decided.

-- What a run decided for each of its rows, from before its first write until it is finished. Page -1 is
-- JSON, the others are compressed batches; src/pipeline/decisions.rs writes and reads both. The table holds
-- the decisions of one run at most: once another run has decided, the accounts move on.
create table muster.decisions (
    run_id text collate "C" not null references muster.runs (id),
    page   integer not null,
    bytes  bytea not null,
    primary key (run_id, page)
);
-- The pages are compressed already.
alter table muster.decisions alter column bytes set storage external;

-- When the run had deactivated and activated the accounts that no row of it is about.
alter table muster.runs add column leavers_at timestamptz;
