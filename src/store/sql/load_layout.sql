-- What the accounts and memberships look like: changes whenever somebody alters one of them.
select md5(string_agg(line, E'\n' order by line))
from (
    select format('%s %s %s %s %s %s', attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod), attnotnull,
        (select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = attrelid and adnum = attnum))
    from pg_attribute
    where attrelid in ('muster.accounts'::regclass, 'muster.memberships'::regclass) and attnum > 0 and not attisdropped
    union all
    select format('%s %s', conname, pg_get_constraintdef(oid))
    from pg_constraint
    where conrelid in ('muster.accounts'::regclass, 'muster.memberships'::regclass)
    union all
    select pg_get_indexdef(indexrelid)
    from pg_index
    where indrelid in ('muster.accounts'::regclass, 'muster.memberships'::regclass)
    union all
    select format('%s %s', oid::regclass, reloptions)
    from pg_class
    where oid in ('muster.accounts'::regclass, 'muster.memberships'::regclass)
) described (line)
