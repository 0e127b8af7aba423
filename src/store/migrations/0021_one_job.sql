-- What a command of the console does to what. While one runs, no second one with the same subject starts.
alter table muster.jobs add column subject text not null default '';
create index jobs_open on muster.jobs (subject) where subject <> '' and state in ('waiting', 'running');

-- What owners decided for everybody who works with the console.
create table muster.console_rules (
    name   text primary key,
    is_on  boolean not null,
    who    text not null,
    set_at timestamptz not null default now()
);
