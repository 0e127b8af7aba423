-- What somebody typed in the console to fix rows of a run. A copy of the corrections file is made with
-- it and imported; the run itself stays as it was.
create table muster.fixes (
    id          bigint generated always as identity primary key,
    run_id      text not null references muster.runs (id),
    -- Null: every row with that value in that column.
    row         integer,
    -- By its name in the file; empty for the row as a whole.
    column_name text not null default '',
    -- The value that is replaced; empty for a cell.
    found       text not null default '',
    what        text not null check (what in ('value', 'account', 'leave out')),
    -- The new value, or the id of the account that the row is about.
    value       text not null default '',
    who         text not null,
    made_at     timestamptz not null default now()
);
create unique index fixes_place on muster.fixes (run_id, coalesce(row, -1), md5(column_name), md5(found));
