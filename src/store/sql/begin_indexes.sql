-- One index a connection is built at a time, so that none needs workers.
set max_parallel_maintenance_workers = 0;
set statement_timeout = 0;
