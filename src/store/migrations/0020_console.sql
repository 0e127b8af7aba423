-- What administrators do in a browser, and what they and the command line did.

-- Named administrators of the console. A removed one keeps their line, because the audit names them.
create table muster.admins (
    id            uuid primary key,
    name          text not null,
    -- By which they sign in: NFKC and lower case.
    key           text collate "C" not null,
    email         text,
    role          text not null check (role in ('reader', 'operator', 'approver', 'owner')),
    -- Argon2id; null until they have set one.
    password_hash text,
    created_at    timestamptz not null default now(),
    removed_at    timestamptz
);
create unique index admins_key on muster.admins (key) where removed_at is null;

-- Links that open the console once: to sign in on this machine, or to set the password of an administrator.
create table muster.console_links (
    token_sha256 bytea primary key,
    purpose      text not null check (purpose in ('sign-in', 'password')),
    admin_id     uuid references muster.admins (id),
    expires_at   timestamptz not null,
    used_at      timestamptz
);

create table muster.console_sessions (
    -- Of the cookie's value, which is kept nowhere.
    token_sha256 bytea primary key,
    -- What lists and the audit call it.
    id           uuid not null unique,
    -- Null for who came by a link on this machine, who is an owner.
    admin_id     uuid references muster.admins (id),
    -- Is in each form, so that another site can't send one.
    secret       text not null,
    -- Whether values are shown in full.
    shows_values boolean not null default false,
    language     text not null default '',
    time_zone    text not null default '',
    address      text not null,
    agent        text not null,
    created_at   timestamptz not null default now(),
    seen_at      timestamptz not null default now(),
    -- The last time that the password was given.
    confirmed_at timestamptz not null default now(),
    ended_at     timestamptz
);

-- Forms that were sent, each once: a second click finds where the first one led.
create table muster.console_forms (
    nonce_sha256 bytea primary key,
    session_id   uuid not null,
    sent_at      timestamptz not null default now(),
    -- Null while it is carried out.
    location     text
);

-- Commands that the console runs, each in a process of its own that outlives it.
create table muster.jobs (
    id          uuid primary key,
    -- Of muster, without its name: no personal value is in there.
    args        text[] not null,
    -- Given to the command on standard input; gone once it was read.
    stdin       bytea,
    -- What the pages call it, such as `import`.
    kind        text not null,
    -- What it is about: a run, an upload, a selection.
    about       text not null default '',
    -- Where its page leads once the command has ended; `{run}` is the run that it made.
    leads_to    text not null default '',
    who         text not null,
    session_id  uuid,
    state       text not null default 'waiting' check (state in ('waiting', 'running', 'ended', 'lost')),
    created_at  timestamptz not null default now(),
    started_at  timestamptz,
    -- Kept up to date by the process; one that says nothing for long is lost.
    seen_at     timestamptz,
    ended_at    timestamptz,
    exit_code   integer,
    -- The pass, how many of what are done, and of how many.
    progress    jsonb,
    stop_wanted boolean not null default false,
    -- The run that it made.
    run_id      text,
    stdout      text,
    stderr      text
);
create index jobs_created on muster.jobs (created_at desc);

-- Files that were sent by a browser. They are in the folder `uploads` of muster's home.
create table muster.uploads (
    id         uuid primary key,
    name       text not null,
    path       text not null,
    bytes      bigint not null,
    sha256     text not null,
    who        text not null,
    sent_at    timestamptz not null default now(),
    -- Chosen on the pages after: the pipeline, the columns as they were confirmed.
    settings   jsonb not null default '{}',
    deleted_at timestamptz
);

-- Who is meant by a page with a list: a filter and exceptions from it.
create table muster.selections (
    id         uuid primary key,
    -- `people`, `invitations`, or a run.
    about      text not null,
    filter     jsonb not null,
    exceptions jsonb not null default '[]',
    who        text not null,
    created_at timestamptz not null default now()
);

-- Who did what. Lines are only added.
create table muster.audit (
    id         bigint generated always as identity primary key,
    at         timestamptz not null default clock_timestamp(),
    -- `console:NAME` or `cli:USER@HOST`.
    who        text not null,
    session_id uuid,
    address    text,
    -- Such as `import`, `invite`, `sign-in`.
    action     text not null,
    -- The run, account, upload or administrator.
    about      text not null default '',
    counts     jsonb not null default '{}',
    -- The command that it equals.
    command    text not null default ''
);
create index audit_about on muster.audit (about) where about <> '';

create function muster.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'the audit is only added to';
end
$$;
create trigger audit_is_kept before update or delete or truncate on muster.audit
    for each statement execute function muster.refuse_change();

-- Whose accounts a line is about, so that the history of a person can say who did what to it. What
-- runs do to people is in muster.changes.
alter table muster.audit add column people uuid[] not null default '{}';
create index audit_people on muster.audit using gin (people) where people <> '{}';

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
