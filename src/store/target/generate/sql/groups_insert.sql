    insert into {table} ({names}) values ({values})
    on conflict do nothing returning {key}::text into muster_key;
    if muster_key is null then
        return null;
    end if;
    insert into muster.group_links (key, group_id, path, group_key, run_id, made_at)
    values (
        muster_key, new.id, case when {odd} then new.path end, case when {odd} then new.key end,
        new.run_id, coalesce(new.created_at, now())
    );
    new.native_key := muster_key;
    return new;
