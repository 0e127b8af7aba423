-- One index a connection is built at a time, so that none needs workers. New pages go into the log as a whole, and lz4 packs
-- them in a fifth of the time; not every server has it, and not every role may choose it.
set max_parallel_maintenance_workers = 0;
set statement_timeout = 0;
do $$
begin
    if current_setting('wal_compression') in ('on', 'pglz') then
        perform set_config('wal_compression', 'lz4', false);
    end if;
exception when others then
    null;
end
$$
