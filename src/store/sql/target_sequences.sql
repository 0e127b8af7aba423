-- Sequences that defaults of table $1 take numbers from; identities need no right of their own.
select distinct sequence.oid::regclass::text
from pg_catalog.pg_depend depend
join pg_catalog.pg_class sequence on sequence.oid = depend.refobjid and sequence.relkind = 'S'
join pg_catalog.pg_attrdef value on value.oid = depend.objid
where depend.classid = 'pg_attrdef'::regclass and depend.refclassid = 'pg_class'::regclass and value.adrelid = $1
