-- Columns of tables outside muster that refer to the ids of the table $1: the table, the query that says
-- which of $1::uuid[] are referred to, and whether this user may ask.
select
    source.oid::regclass::text,
    format('select distinct %I from %s where %I = any ($1)', refers.attname, source.oid::regclass, refers.attname),
    has_column_privilege(source.oid, refers.attnum, 'select')
        and has_schema_privilege(source.relnamespace, 'usage')
from pg_catalog.pg_constraint foreign_key
join pg_catalog.pg_class source on source.oid = foreign_key.conrelid
join pg_catalog.pg_attribute refers on refers.attrelid = source.oid and refers.attnum = foreign_key.conkey[1]
where foreign_key.contype = 'f'
    and foreign_key.confrelid = to_regclass($1)
    and cardinality(foreign_key.conkey) = 1
    and refers.atttypid = 'uuid'::regtype
    and foreign_key.conparentid = 0
    and source.relnamespace <> 'muster'::regnamespace
order by 1, 2
