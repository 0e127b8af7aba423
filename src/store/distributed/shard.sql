-- One shard of the accounts, on a server of its own. Run by whom the coordinator comes as.
create schema if not exists muster;

-- The columns of muster.accounts. Its rules are kept by the coordinator, through which all writes go.
create table muster.account_shard (
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
    status       text not null,
    start_date   date,
    manager      text,
    attributes   jsonb not null,
    run_id       text,
    run_row      integer,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    other_roles  text[] not null,
    edits        jsonb,
    end_date     date
);

-- A key is unique among all shards by muster.account_keys, so that these only have to find it.
create index account_shard_external_id on muster.account_shard (external_id) where external_id is not null;
create index account_shard_email_key on muster.account_shard (email_key) where email_key is not null;
create index account_shard_username_key on muster.account_shard (username_key) where username_key is not null;
create index account_shard_run on muster.account_shard (run_id);
