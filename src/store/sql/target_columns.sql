-- The columns of table $1, with the types below domains.
with recursive based as (
    select attribute.attnum, type.oid as type, type.typtype, type.typbasetype, type.typnotnull as refuses_null,
        case when type.typtype = 'd' then type.typtypmod else attribute.atttypmod end as modifier, type.typdefault
    from pg_catalog.pg_attribute attribute join pg_catalog.pg_type type on type.oid = attribute.atttypid
    where attribute.attrelid = $1 and attribute.attnum > 0 and not attribute.attisdropped
    union all
    select based.attnum, type.oid, type.typtype, type.typbasetype, based.refuses_null or type.typnotnull,
        case when type.typtype = 'd' then type.typtypmod else based.modifier end, coalesce(based.typdefault, type.typdefault)
    from based join pg_catalog.pg_type type on type.oid = based.typbasetype
    where based.typtype = 'd'
)
select
    attribute.attname, namespace.nspname, type.typname, format_type(attribute.atttypid, attribute.atttypmod),
    base.typname, base.typcategory::text,
    attribute.attnotnull or based.refuses_null,
    case when attribute.attgenerated = '' then
        coalesce(pg_get_expr(value.adbin, value.adrelid), quote_literal(based.typdefault))
    end,
    attribute.attgenerated <> '', attribute.attidentity <> '', attribute.attidentity = 'a',
    case when base.typname in ('varchar', 'bpchar') and based.modifier > 4 then based.modifier - 4 end,
    array(select enumlabel::text from pg_catalog.pg_enum where enumtypid = base.oid order by enumsortorder),
    base.typname = 'citext' or coalesce(not sorting.collisdeterministic, false),
    has_column_privilege(attribute.attrelid, attribute.attnum, 'insert'),
    has_column_privilege(attribute.attrelid, attribute.attnum, 'update')
from based
join pg_catalog.pg_attribute attribute on attribute.attrelid = $1 and attribute.attnum = based.attnum
join pg_catalog.pg_type type on type.oid = attribute.atttypid
join pg_catalog.pg_namespace namespace on namespace.oid = type.typnamespace
join pg_catalog.pg_type base on base.oid = based.type
left join pg_catalog.pg_collation sorting on sorting.oid = attribute.attcollation
left join pg_catalog.pg_attrdef value on value.adrelid = $1 and value.adnum = attribute.attnum
where based.typtype <> 'd'
order by attribute.attnum
