-- Triggers and check constraints of table $1: what it is, its name, a constraint's expression, and its
-- column where it is about one.
select 'trigger', tgname::text, null::text, null::text
from pg_catalog.pg_trigger
where tgrelid = $1 and not tgisinternal and tgenabled <> 'D'
union all
select 'check', conname::text, pg_get_expr(conbin, conrelid), (
        select attname::text from pg_catalog.pg_attribute
        where attrelid = conrelid and attnum = conkey[1] and cardinality(conkey) = 1
    )
from pg_catalog.pg_constraint
where conrelid = $1 and contype = 'c'
order by 1, 2
