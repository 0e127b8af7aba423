-- What a run changed can be taken back, and the taking back as well.

-- The run that this one takes back; null for an import.
alter table muster.runs add column undoes text;
create index runs_undoes on muster.runs (undoes) where undoes is not null;

-- A change also is the removal of an account, whose whole image (its columns, and `memberships` and
-- `invitations`) then is `before`; or its return, where that image is `after`. The row is that of
-- the import which made the account or changed it first.
alter table muster.changes add column action text not null default 'update'
    check (action in ('update', 'remove', 'restore'));

-- Groups that an undo removed, or that came back when it was itself taken back; as they were.
create table muster.group_changes (
    run_id     text not null,
    group_id   uuid not null,
    action     text not null check (action in ('remove', 'restore')),
    path       text not null,
    key        text collate "C" not null,
    parent_id  uuid,
    made_by    text,
    created_at timestamptz not null,
    changed_at timestamptz not null default now(),
    primary key (run_id, group_id)
);

-- What an undo left as it is, and why. `field` is a field's name, `attributes.NAME`, `groups`, or
-- `account` for the account as a whole.
create table muster.kept (
    run_id     text not null,
    row        integer not null,
    account_id uuid not null,
    field      text not null,
    reason     text not null,
    kept_at    timestamptz not null default now(),
    primary key (run_id, row, field)
);
create index kept_account on muster.kept (account_id);
