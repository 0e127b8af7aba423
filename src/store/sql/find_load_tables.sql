-- Whose the load tables are, and by which layout of the real tables they were made: `RUN LAYOUT`; no row where there are none.
select obj_description(to_regclass('muster.load_accounts'), 'pg_class')
where to_regclass('muster.load_accounts') is not null
