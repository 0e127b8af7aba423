-- What muster keeps: accounts and their groups, and the books of its runs.
-- The schema `muster` exists already; the runner makes it together with its own table.

-- One person. Keys are normalized in Rust and compared byte by byte; the database never folds case.
create table muster.accounts (
    id           uuid primary key,
    external_id  text collate "C",
    email        text,
    email_key    text collate "C",
    username     text,
    username_key text collate "C",
    first_name   text,
    last_name    text,
    display_name text,
    phone        text,
    country      text,
    language     text,
    organization text,
    role         text not null,
    status       text not null check (status in ('invited', 'active', 'deactivated')),
    start_date   date,
    manager      text,
    attributes   jsonb not null default '{}',
    -- The run and row that created the account; null for accounts made elsewhere.
    run_id       text,
    run_row      integer,
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now(),
    check ((email is null) = (email_key is null)),
    check ((username is null) = (username_key is null))
);

-- Partial, so that a key nobody has costs nothing to load.
create unique index accounts_external_id on muster.accounts (external_id) where external_id is not null;
create unique index accounts_email_key on muster.accounts (email_key) where email_key is not null;
create unique index accounts_username_key on muster.accounts (username_key) where username_key is not null;

create table muster.groups (
    id         uuid primary key,
    -- As first written, from the top: `Sales/EMEA`.
    path       text not null,
    -- By which it is found: NFKC and lower case.
    key        text collate "C" not null unique,
    parent_id  uuid references muster.groups (id),
    run_id     text,
    created_at timestamptz not null default now()
);

create table muster.memberships (
    account_id uuid not null references muster.accounts (id) on delete cascade,
    group_id   uuid not null references muster.groups (id) on delete cascade,
    run_id     text,
    primary key (account_id, group_id)
);
create index memberships_group on muster.memberships (group_id);

-- One import.
create table muster.runs (
    id              text primary key,
    kind            text not null,
    state           text not null check (state in ('running', 'stopped', 'finished')),
    started_at      timestamptz not null default now(),
    finished_at     timestamptz,
    -- Together they say whether an unfinished run is this one: SHA-256 of each input, and of the pipeline.
    inputs          text[] not null,
    pipeline_sha256 text not null,
    -- Makes the ids of the accounts that the run creates.
    seed            bigint not null,
    folder          text,
    summary         jsonb
);

-- One transaction of an import: written in that transaction, so that it is there exactly when the rows are.
create table muster.chunks (
    run_id      text not null references muster.runs (id),
    first_row   integer not null,
    rows        integer not null,
    -- A byte a row, in row order: the outcome's number.
    outcomes    bytea not null,
    finished_at timestamptz not null default now(),
    primary key (run_id, first_row)
);

-- What an update changed, value by value.
create table muster.changes (
    run_id     text not null,
    row        integer not null,
    account_id uuid not null,
    before     jsonb not null,
    after      jsonb not null,
    changed_at timestamptz not null default now(),
    primary key (run_id, row)
);
create index changes_account on muster.changes (account_id);
