-- Pages that are new, or changed for the first time after a checkpoint, go into the log as a whole. Where the server packs
-- them, lz4 does it in a fifth of the time. Not every server has it, and not every role may choose it; where another server
-- reads the log, it stays as it is, for that one may not have it.
do $$
begin
    if current_setting('wal_compression') in ('on', 'pglz') and current_setting('archive_mode') = 'off'
        and not exists (select from pg_stat_replication) and not exists (select from pg_replication_slots)
    then
        perform set_config('wal_compression', 'lz4', false);
    end if;
exception when others then
    null;
end
$$
