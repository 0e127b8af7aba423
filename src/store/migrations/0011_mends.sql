-- Which rows needed work, and which mend which.

-- A row of a run that needed work, or that mends one of an earlier run. `origin_run` and
-- `origin_row` name the first row of all that it comes from: itself, unless it came back mended.
-- Written with the run's summary.
create table muster.mends (
    run_id     text collate "C" not null references muster.runs (id),
    row        integer not null,
    origin_run text collate "C" not null,
    origin_row integer not null,
    -- As in the run's ledger.
    outcome    text not null,
    -- Whether the origin needs no more work by this.
    settles    boolean not null,
    primary key (run_id, row)
);
create index mends_origin on muster.mends (origin_run, origin_row, run_id) where settles;
