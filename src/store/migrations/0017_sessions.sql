-- Course dates, classes, rotas: whatever people are enrolled in.

create table muster.sessions (
    id         uuid primary key,
    name       text not null,
    -- By which it is found: NFKC and lower case.
    key        text collate "C" not null unique,
    starts_at  timestamptz not null,
    ends_at    timestamptz check (ends_at > starts_at),
    -- IANA name, by which mails write the times.
    time_zone  text not null,
    place      text,
    link       text,
    -- How often it was changed: calendars take the later version of an event.
    revision   integer not null default 0,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now()
);

create table muster.enrolments (
    account_id uuid not null,
    session_id uuid not null references muster.sessions (id) on delete cascade,
    -- The run that enrolled the person; null for whoever else did.
    run_id     text,
    primary key (account_id, session_id)
);
create index enrolments_session on muster.enrolments (session_id);

-- Where the accounts are a view of another application's table, its triggers keep the two together.
do $$
begin
    if (select relkind from pg_catalog.pg_class where oid = 'muster.accounts'::regclass) = 'r' then
        alter table muster.enrolments add foreign key (account_id) references muster.accounts (id) on delete cascade;
    end if;
end
$$;

-- Mails about a session, and reminders that many minutes before it begins. Each goes out at most once:
-- whoever cancelled one may have it sent again.
alter table muster.invitations
    drop constraint invitations_kind_check,
    add column session_id uuid references muster.sessions (id) on delete set null,
    add column minutes_before integer,
    add constraint invitations_kind_check check (kind in ('invite', 'reset', 'temporary', 'session', 'session-reminder'));
drop index muster.invitations_live;
create unique index invitations_live on muster.invitations (account_id, kind)
    where state in ('queued', 'sending', 'sent', 'unknown') and kind in ('invite', 'reset', 'temporary');
create unique index invitations_session on muster.invitations (account_id, session_id, kind, coalesce(minutes_before, 0))
    where state <> 'cancelled' and session_id is not null;

-- Whether a mail may go to an account of that status: an invitation before it is active, a reset
-- afterwards, and what is about a session as long as the account is enrolled and the session is to come.
create function muster.may_be_mailed(kind text, status text, account uuid, session uuid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp
as $$
    select case
        when kind in ('session', 'session-reminder') then status <> 'deactivated' and exists (
            select from muster.enrolments enrolment join muster.sessions wanted on wanted.id = enrolment.session_id
            where enrolment.account_id = account and enrolment.session_id = session and wanted.starts_at > now()
        )
        else status = case kind when 'invite' then 'invited' else 'active' end
    end
$$;
