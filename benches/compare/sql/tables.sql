-- In a database where muster made its schema: a table with the columns, checks and indexes of its accounts, and
-- those of its memberships, under other names. No trigger: it would only cost the peers.
create table public.accounts (like muster.accounts including defaults including constraints including indexes);
create table public.groups (like muster.groups including defaults including constraints including indexes);
create table public.memberships (like muster.memberships including defaults including constraints including indexes);
alter table public.memberships
    add foreign key (account_id) references public.accounts (id) on delete cascade,
    add foreign key (group_id) references public.groups (id) on delete cascade;
drop schema muster cascade;
