-- Who set a value last: what runs wrote is in muster.changes; this is what everybody else did.

-- When something other than an import or an undo changed a value last, in microseconds since 1970, by
-- field; attributes as `attributes.NAME`. Null where nothing ever did.
alter table muster.accounts add column edits jsonb;

-- Imports and undos say `set local muster.writes = 'on'` in their transactions.
create function muster.note_edits() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    -- Of the write, not of its transaction: that may have begun before an import that is done by now.
    moment constant bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
    edited jsonb;
begin
    select jsonb_object_agg(field, moment) into edited
    from (
        select key as field
        from jsonb_each(to_jsonb(old)) was join jsonb_each(to_jsonb(new)) became using (key)
        where was.value <> became.value and key not in (
            'id', 'email_key', 'username_key', 'attributes', 'run_id', 'run_row', 'created_at', 'updated_at', 'edits'
        )
        union all
        select 'attributes.' || key
        from jsonb_each(case jsonb_typeof(old.attributes) when 'object' then old.attributes end) was
        full join jsonb_each(case jsonb_typeof(new.attributes) when 'object' then new.attributes end) became using (key)
        where was.value is distinct from became.value
    ) difference;
    if edited is not null then
        new.edits := coalesce(old.edits, '{}') || edited;
    end if;
    return new;
end
$$;
revoke execute on function muster.note_edits from public;

create trigger note_edits before update on muster.accounts for each row
    when (old.* is distinct from new.* and coalesce(current_setting('muster.writes', true), '') <> 'on')
    execute function muster.note_edits();
