-- In a database where muster made its schema: a table with the columns, checks and indexes of its accounts, and
-- those of its memberships, under other names. No trigger, and no foreign key: they would only cost the peers.
create table public.accounts (like muster.accounts including defaults including constraints including indexes);
create table public.groups (like muster.groups including defaults including constraints including indexes);
create table public.memberships (like muster.memberships including defaults including constraints including indexes);
drop schema muster cascade;
