-- What tells the rows of table $1 apart: columns, and whether that is the primary key, which comes
-- first. Of an index of expressions, that on lower(column) counts for the column.
select
    array(
        select coalesce(
            attribute.attname::text,
            (regexp_match(pg_get_indexdef(index.indexrelid, place::int, true), '^lower\(\(?"?([^":)]+)"?\)?(?:::text)?\)$'))[1],
            '(expression)'
        )
        from unnest(index.indkey::int2[]) with ordinality as part (number, place)
        left join pg_catalog.pg_attribute attribute
            on attribute.attrelid = index.indrelid and attribute.attnum = part.number and part.number > 0
        where place <= index.indnkeyatts
        order by place
    ),
    index.indisprimary
from pg_catalog.pg_index index
where index.indrelid = $1 and index.indisunique and index.indisvalid and index.indpred is null
order by index.indisprimary desc, index.indexrelid
