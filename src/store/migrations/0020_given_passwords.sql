-- Passwords that an administrator gives, and what they replaced, so that a run which gives them can be
-- taken back.

-- The password of an account as a run or an undo found it, and as it left it; null where there is none.
-- Accounts that are a view can't be referred to, so that who removes an account removes this as well.
create table muster.password_changes (
    run_id         text not null,
    account_id     uuid not null,
    hash_before    text,
    must_change    boolean,
    expires_at     timestamptz,
    changed_before timestamptz,
    run_before     text,
    hash_after     text,
    primary key (run_id, account_id)
);
create index password_changes_account on muster.password_changes (account_id);
