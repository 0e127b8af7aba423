-- The table $2, of schema $1 or on the search path; its exact name goes before that in lower case.
select class.oid, namespace.nspname, class.relname, class.relkind::text, row_security_active(class.oid)
from pg_catalog.pg_class class
join pg_catalog.pg_namespace namespace on namespace.oid = class.relnamespace
where class.relname in ($2::text, lower($2::text)) and class.relkind in ('r', 'p', 'v', 'm', 'f')
    and case when $1::text is null then pg_table_is_visible(class.oid) else namespace.nspname in ($1, lower($1)) end
order by class.relname = $2 desc, namespace.nspname = $1 desc nulls last
limit 1
