-- Accounts that somebody else's table holds. A pipeline's [target] names it; from then on
-- muster.accounts is a view of that table, and so are muster.groups and muster.memberships where the
-- target has such tables. Triggers write through these views; src/store/target makes them. A later
-- migration that alters one of the three must do so only where it still is a table.

-- What the views are of.
create table muster.targets (
    part       text primary key check (part in ('accounts', 'groups', 'memberships')),
    -- The table, quoted, and the column of its ids.
    relation   text not null,
    key_column text,
    -- Of the statements that made the view.
    sql_sha256 text not null,
    made_at    timestamptz not null default now()
);

-- What muster knows of the rows that it wrote.
create table muster.links (
    -- The row's id in its own table, as text.
    key          text primary key,
    account_id   uuid not null unique,
    -- Where the database would make another key of an address or a username than muster does.
    email        text,
    email_key    text,
    username     text,
    username_key text,
    -- The run and row that created the account; null for accounts made elsewhere.
    run_id       text,
    run_row      integer,
    made_at      timestamptz not null,
    -- When muster wrote it last, and which version of the row that made: another one isn't muster's.
    written_at   timestamptz not null,
    version      xid not null
);
create index links_run on muster.links (run_id) where run_id is not null;

create table muster.group_links (
    key       text primary key,
    group_id  uuid not null unique,
    -- As in muster.links.
    path      text,
    group_key text,
    run_id    text,
    made_at   timestamptz not null default now()
);

-- The memberships that muster made, by the ids of their own tables.
create table muster.membership_links (
    account_key text not null,
    group_key   text not null,
    run_id      text,
    primary key (account_key, group_key)
);
