-- Columns outside muster that refer to table $1, but for those of table $2: table and column, quoted.
select source.oid::regclass::text, quote_ident(refers.attname)
from pg_catalog.pg_constraint foreign_key
join pg_catalog.pg_class source on source.oid = foreign_key.conrelid
join pg_catalog.pg_attribute refers on refers.attrelid = source.oid and refers.attnum = foreign_key.conkey[1]
where foreign_key.contype = 'f' and foreign_key.confrelid = $1 and cardinality(foreign_key.conkey) = 1
    and source.oid is distinct from $2::oid and foreign_key.conparentid = 0
order by 1, 2
