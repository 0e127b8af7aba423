-- What every connection of muster begins with.
SET client_min_messages = warning;
SET lock_timeout = '30s';
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET default_transaction_isolation = 'read committed';
