-- People whom a full list no longer names.

-- Whose accounts a run makes: the pipeline's source.
alter table muster.runs add column source text;

-- Since when, and in how many runs, an account was missing from its source's list. Whoever is
-- back is taken out. A leaver's line in muster.changes has a negative row: no row names the person.
create table muster.absences (
    account_id uuid primary key references muster.accounts (id) on delete cascade,
    since      timestamptz not null default now(),
    runs       integer not null,
    -- The run that counted last: one that is taken up again doesn't count twice.
    last_run   text not null
);
