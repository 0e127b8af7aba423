-- What runs did to memberships is kept by the keys of groups: from $1 and below it they become those of $2,
-- as far back as group $3 has existed. Undo and `explain` then find the group under its new name.
create function pg_temp.muster_key(key text, old text, new text) returns text
language sql immutable as $$
    select case when key = old or starts_with(key, old || '/') then new || substr(key, length(old) + 1) else key end
$$;
create function pg_temp.muster_image(image jsonb, old text, new text) returns jsonb
language sql immutable as $$
    select image
        || case when jsonb_typeof(image -> 'groups') = 'array' then jsonb_build_object('groups', (
            select coalesce(jsonb_agg(renamed order by renamed collate "C"), '[]')
            from jsonb_array_elements_text(image -> 'groups') entry,
                pg_temp.muster_key(entry, old, new) renamed
        )) else '{}' end
        || case when jsonb_typeof(image -> 'memberships') = 'array' then jsonb_build_object('memberships', (
            select coalesce(jsonb_agg(
                entry || jsonb_build_object('key', pg_temp.muster_key(entry ->> 'key', old, new))
            ), '[]')
            from jsonb_array_elements(image -> 'memberships') entry
        )) else '{}' end
$$
