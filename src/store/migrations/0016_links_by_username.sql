-- Links for people without an e-mail address.

-- A link that is handed over in person is for the address and the username as they were; another one of
-- either ends it. Mails are for the address alone.
alter table muster.invitations
    alter column email drop not null,
    alter column email_key drop not null,
    add column username text,
    add column username_key text collate "C",
    add check (email_key is not null or username_key is not null);

create or replace function muster.accept_invitation(
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
            and account.email_key is not distinct from invitation.email_key
            and (invitation.username_key is null or account.username_key = invitation.username_key)
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
            and invitation.kind in ('invite', 'reset', 'temporary')
            and invitation.state in ('queued', 'sending', 'sent', 'unknown')
    ), activated as (
        update muster.accounts account
        set status = 'active',
            first_name = coalesce(muster.kept_name(accept_invitation.first_name), account.first_name),
            last_name = coalesce(muster.kept_name(accept_invitation.last_name), account.last_name),
            updated_at = now()
        from taken
        where account.id = taken.account_id and taken.kind = 'invite'
    ), secured as (
        insert into muster.credentials (account_id, password_hash)
        select taken.account_id, muster.taken_password_hash(accept_invitation.password_hash)
        from taken
        where accept_invitation.password_hash is not null
        on conflict (account_id) do update
        set password_hash = excluded.password_hash, must_change = false, expires_at = null, changed_at = now()
    )
    select taken.account_id
    from taken, pg_notify('muster_accepted', taken.account_id::text)
$$;
