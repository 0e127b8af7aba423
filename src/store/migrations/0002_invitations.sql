-- How people get in: invitations, the mails that carry them, passwords (as hashes only), and the
-- one function by which somebody who holds a link comes in.

-- The pipeline as it was named on the command line, for the commands that follow a run.
alter table muster.runs add column pipeline text;

-- The rows of a chunk that changed nothing, and their accounts: a run names those people, too.
alter table muster.chunks
    add column unchanged_rows integer[] not null default '{}',
    add column unchanged_accounts uuid[] not null default '{}';

-- Passwords stand apart from the accounts, so that who reads people need not read these.
create table muster.credentials (
    account_id    uuid primary key references muster.accounts (id) on delete cascade,
    -- PHC string, Argon2id. What isn't the output of a hash function is refused: a password that
    -- is handed over by mistake must not stay here.
    password_hash text not null check (password_hash ~ '^\$argon2id\$'),
    -- A temporary password: it ends at expires_at, and the person must choose another at the first sign-in.
    must_change   boolean not null default false,
    expires_at    timestamptz,
    changed_at    timestamptz not null default now()
);

-- One way in for one person: an invitation, a password reset or a temporary password.
create table muster.invitations (
    id           uuid primary key,
    run_id       text not null,
    -- Null once the account is removed: what was sent stays on record.
    account_id   uuid references muster.accounts (id) on delete set null,
    kind         text not null check (kind in ('invite', 'reset', 'temporary')),
    -- The address as it was when the invitation was made; a changed address ends it.
    email        text not null,
    email_key    text collate "C" not null,
    state        text not null default 'queued' check (state in
        ('queued', 'sending', 'sent', 'failed', 'unknown', 'cancelled', 'expired', 'accepted')),
    -- SHA-256 of the link's 32 random bytes; null when there is no link that works.
    token_sha256 bytea unique,
    -- How long the link works from when it is made; null for ever.
    lifetime     interval,
    expires_at   timestamptz,
    -- The pipeline whose settings the mail went by, as it was named.
    pipeline     text,
    -- The administrator's words in this mail.
    message      text,
    -- Made before the first attempt; the same for every attempt at one mail.
    message_id   text not null,
    -- `outbox`, `smtp` or `hand`; null before the first attempt.
    via          text,
    attempts     integer not null default 0,
    resends      integer not null default 0,
    -- The mail server's last words.
    reply        text,
    not_before   timestamptz,
    -- Who sends it now: the number of an advisory lock that the sender's session holds, and until
    -- when the claim stands where locks don't reach (a connection pooler).
    leased_by    bigint,
    lease_until  timestamptz,
    created_at   timestamptz not null default now(),
    sent_at      timestamptz,
    accepted_at  timestamptz,
    changed_at   timestamptz not null default now()
);
create index invitations_run on muster.invitations (run_id);
create index invitations_account on muster.invitations (account_id);
-- Nobody has two ways in of one kind at once, whoever asks for them.
create unique index invitations_live on muster.invitations (account_id, kind)
    where state in ('queued', 'sending', 'sent', 'unknown');

-- Addresses that are never mailed.
create table muster.suppressions (
    email_key  text collate "C" primary key,
    reason     text not null default '',
    created_at timestamptz not null default now()
);

-- The way in for whoever holds a link, in one statement: a sign-up page of one's own calls it with
-- the SHA-256 of the token, and the Argon2id hash of the password that the person chose (null
-- where people sign in elsewhere). It makes the link useless, an invited account active, ends the
-- person's other links, and returns the account; no row and no change for a link that is unknown,
-- used, expired or cancelled, or whose account has another address or status by now. Sessions of
-- that account should end: LISTEN muster_accepted gets its id.
create function muster.accept_invitation(
    token_hash    bytea,
    password_hash text default null,
    first_name    text default null,
    last_name     text default null
) returns setof uuid
language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    with taken as (
        update muster.invitations invitation
        set state = 'accepted', accepted_at = now(), changed_at = now(), token_sha256 = null
        from muster.accounts account
        where invitation.token_sha256 = accept_invitation.token_hash
            and invitation.state in ('sending', 'sent', 'unknown')
            and (invitation.expires_at is null or invitation.expires_at > now())
            and account.id = invitation.account_id
            and account.email_key = invitation.email_key
            and account.status = case invitation.kind when 'invite' then 'invited' else 'active' end
            -- A link to set a password isn't used up by setting none.
            and (invitation.kind = 'invite' or accept_invitation.password_hash is not null)
        returning invitation.id, invitation.account_id, invitation.kind
    ), ended as (
        update muster.invitations invitation
        set state = 'cancelled', changed_at = now(), token_sha256 = null
        from taken
        where invitation.account_id = taken.account_id
            and invitation.id <> taken.id
            and invitation.state in ('queued', 'sending', 'sent', 'unknown')
    ), activated as (
        update muster.accounts account
        set status = 'active',
            first_name = coalesce(nullif(btrim(accept_invitation.first_name), ''), account.first_name),
            last_name = coalesce(nullif(btrim(accept_invitation.last_name), ''), account.last_name),
            updated_at = now()
        from taken
        where account.id = taken.account_id and taken.kind = 'invite'
    ), secured as (
        insert into muster.credentials (account_id, password_hash)
        select taken.account_id, accept_invitation.password_hash
        from taken
        where accept_invitation.password_hash is not null
        on conflict (account_id) do update
        set password_hash = excluded.password_hash, must_change = false, expires_at = null, changed_at = now()
    )
    select taken.account_id
    from taken, pg_notify('muster_accepted', taken.account_id::text)
$$;
revoke execute on function muster.accept_invitation from public;
