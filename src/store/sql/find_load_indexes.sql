-- The statements that give the load tables the indexes of the real ones, the large ones first. Those that are there already
-- are left out: an earlier try may have made some.
select format(
    'create %sindex %I on muster.%I %s',
    case when indisunique then 'unique ' else '' end,
    left('load_' || index.relname, 63),
    'load_' || real.relname,
    substring(pg_get_indexdef(indexrelid) from ' (USING .*)$')
)
from pg_index
join pg_class index on index.oid = indexrelid
join pg_class real on real.oid = indrelid
where indrelid in ('muster.accounts'::regclass, 'muster.memberships'::regclass)
    and to_regclass(format('muster.%I', left('load_' || index.relname, 63))) is null
order by not (indisunique or indpred is null), indisprimary, index.relname
