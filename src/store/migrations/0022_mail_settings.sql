-- What owners set for all mails, where things listen, and what an administrator likes to see.

-- Holds where a pipeline says nothing about it.
create table muster.mail_settings (
    -- A key of `[mail]`.
    name   text primary key check (name in ('from', 'reply_to', 'product')),
    value  text not null,
    set_at timestamptz not null default now()
);

-- Where the console and the page that links open listen, or listened last.
create table muster.places (
    name  text primary key check (name in ('console', 'page')),
    url   text not null,
    since timestamptz not null default now()
);

-- Null until chosen: then it holds for every session.
alter table muster.admins add column language text;
alter table muster.admins add column time_zone text;

-- Where the form was sent to: what was made for one form carries out no other.
alter table muster.console_forms add column path text not null default '';
