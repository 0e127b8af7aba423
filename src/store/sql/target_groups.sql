-- Tables that tie the rows of table $1 to those of another one that has names, the likeliest first: the
-- other table, its column of names, the table between, and its columns.
select other.oid::regclass::text, named.attname::text, tie.oid::regclass::text, mine.attname::text, theirs.attname::text
from pg_catalog.pg_constraint to_us
join pg_catalog.pg_class tie on tie.oid = to_us.conrelid and tie.relkind = 'r' and tie.oid <> $1
join pg_catalog.pg_constraint to_them on to_them.conrelid = tie.oid and to_them.contype = 'f'
    and to_them.confrelid <> $1 and cardinality(to_them.conkey) = 1
join pg_catalog.pg_class other on other.oid = to_them.confrelid
join pg_catalog.pg_attribute mine on mine.attrelid = tie.oid and mine.attnum = to_us.conkey[1]
join pg_catalog.pg_attribute theirs on theirs.attrelid = tie.oid and theirs.attnum = to_them.conkey[1]
join lateral (
    select attribute.attname
    from pg_catalog.pg_attribute attribute
    join pg_catalog.pg_type type on type.oid = attribute.atttypid and type.typcategory = 'S'
    where attribute.attrelid = other.oid and attribute.attnum > 0 and not attribute.attisdropped
        and attribute.attname in ('name', 'title', 'path', 'label')
    order by attribute.attname = 'name' desc
    limit 1
) named on true
-- Each membership is there once.
where to_us.contype = 'f' and to_us.confrelid = $1 and cardinality(to_us.conkey) = 1
    and exists (
        select from pg_catalog.pg_index
        where indrelid = tie.oid and indisunique and indnkeyatts = 2
            and indkey::int2[] @> (to_us.conkey || to_them.conkey)
    )
order by other.relname ~ 'group|team' desc, other.relname, tie.relname
