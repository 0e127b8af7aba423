-- The best that a hand-written script does: one COPY, one statement. The file comes on standard input,
-- and `id` is what makes an id. The same for new, known and changed people: rows that are as they
-- should be already are locked, but not written.
set work_mem = '512MB';
set client_min_messages = warning;
drop table if exists incoming;
create unlogged table incoming (
    external_id text, email text, first_name text, last_name text, phone text,
    country text, language text, organization text, groups text, start_date text
);
\copy incoming from pstdin with (format csv, header)
insert into accounts as account (
    id, external_id, email, email_key, first_name, last_name, phone, country, language, organization,
    role, status, start_date
)
select distinct on (email_key)
    :id, external_id, email, email_key, first_name, last_name, phone, country, language, organization,
    'member', 'invited', start_date
from (
    -- normalize() is slow, and ASCII needs none
    select
        btrim(external_id) as external_id,
        btrim(email) as email,
        lower(case when octet_length(email) = length(email) then btrim(email) else normalize(btrim(email)) end)
            collate "C" as email_key,
        case when octet_length(first_name) = length(first_name) then btrim(first_name, E' \t')
            else normalize(btrim(first_name, E' \t\u00a0')) end as first_name,
        case when octet_length(last_name) = length(last_name) then btrim(last_name, E' \t')
            else normalize(btrim(last_name, E' \t\u00a0')) end as last_name,
        btrim(phone) as phone,
        btrim(country) as country,
        btrim(language) as language,
        case when octet_length(organization) = length(organization) then btrim(organization)
            else normalize(btrim(organization)) end as organization,
        start_date::date as start_date
    from incoming
) cleaned
where email_key like '%_@_%._%' and first_name <> '' and last_name <> ''
order by email_key
on conflict (email_key) where email_key is not null do update
set external_id = excluded.external_id, email = excluded.email, first_name = excluded.first_name,
    last_name = excluded.last_name, phone = excluded.phone, country = excluded.country,
    language = excluded.language, organization = excluded.organization, start_date = excluded.start_date,
    updated_at = now()
where (account.external_id, account.email, account.first_name, account.last_name, account.phone,
    account.country, account.language, account.organization, account.start_date)
    is distinct from (excluded.external_id, excluded.email, excluded.first_name, excluded.last_name,
    excluded.phone, excluded.country, excluded.language, excluded.organization, excluded.start_date);
