-- Temporary passwords end with the mail that brought them, and the function for sign-up pages says
-- what it doesn't take.

-- Whatever ends a mail with a temporary password (a cancel, its time, a link that was handed over,
-- an undo), ends the password, unless the person has chosen another by now.
create function muster.end_temporary_password() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    delete from muster.credentials where account_id = new.account_id and must_change;
    return null;
end
$$;
create trigger end_temporary_password after update of state on muster.invitations
    for each row when (
        new.kind = 'temporary' and new.state in ('cancelled', 'expired') and old.state <> new.state
        and new.account_id is not null
    )
    execute function muster.end_temporary_password();

-- A hash that is handed over by whom a person signs up with: Argon2id in its PHC string, as RFC 9106
-- and the PHC string format have it. What it isn't stands in no message: it may be a password.
create function muster.taken_password_hash(password_hash text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    if password_hash !~ '^\$argon2id\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}$' then
        raise exception 'password_hash is no Argon2id hash'
            using errcode = 'invalid_parameter_value',
            hint = 'hand over a PHC string: $argon2id$v=19$m=…,t=…,p=…$salt$hash';
    end if;
    return password_hash;
end
$$;

-- A name as it is kept: without control characters, line breaks and marks that turn the direction
-- of writing (Unicode UAX #9), at most 255 characters; null where nothing is left.
create function muster.kept_name(name text) returns text
language sql immutable set search_path = pg_catalog, pg_temp
as $$
    select nullif(btrim(left(regexp_replace(
        name, '[\u0001-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+', ' ', 'g'
    ), 255)), '')
$$;

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
