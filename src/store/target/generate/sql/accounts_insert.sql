    if muster_key is null then
        raise exception using message = {message};
    end if;
    insert into muster.links (key, account_id, email, email_key, username, username_key, run_id, run_row, made_at, written_at, version)
    values (
        muster_key, new.id, {email}, {email_key}, {username}, {username_key},
        new.run_id, new.run_row, coalesce(new.created_at, now()), coalesce(new.updated_at, now()), muster_version
    )
    on conflict (key) do update
    set account_id = excluded.account_id, email = excluded.email, email_key = excluded.email_key,
        username = excluded.username, username_key = excluded.username_key, run_id = excluded.run_id, run_row = excluded.run_row,
        made_at = excluded.made_at, written_at = excluded.written_at, version = excluded.version;
    new.native_key := muster_key;
    return new;
