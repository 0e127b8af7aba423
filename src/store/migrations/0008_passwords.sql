-- Passwords that move house: hashes that an import brought along with a new account.

-- The import that brought the hash along; null once somebody chose a password. Only an import may
-- bring another hash than Argon2id, so that what a sign-up page hands over is refused as before.
alter table muster.credentials add column run_id text;
alter table muster.credentials drop constraint credentials_password_hash_check;
alter table muster.credentials add constraint credentials_password_hash_check check (
    password_hash ~ '^\$argon2id\$'
    or run_id is not null
        and password_hash ~ '^\$(argon2id?|argon2d|2[aby]|scrypt|7|pbkdf2(-sha256|-sha512)?)\$'
);

-- A hash that is replaced, by whomever, is the import's no longer: somebody used the account.
create function muster.own_password() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    new.run_id := null;
    return new;
end
$$;
create trigger own_password before update on muster.credentials
    for each row when (new.password_hash is distinct from old.password_hash)
    execute function muster.own_password();
