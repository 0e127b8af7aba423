-- Columns of tables outside muster that refer to the ids of the table $1, or of the table that it is a
-- view of: the table, the query that says which of $1::uuid[] are referred to, and whether this user may ask.
with meant as (
    select to_regclass($1) as relation, null::text as links, null::text as id, null::text as key_column
    union all
    select to_regclass(target.relation), links.relation, links.id, target.key_column
    from muster.targets target
    join (values
        ('muster.accounts', 'accounts', 'muster.links', 'account_id'),
        ('muster.groups', 'groups', 'muster.group_links', 'group_id')
    ) as links (name, part, relation, id) on links.name = $1 and links.part = target.part
)
select
    source.oid::regclass::text,
    case when meant.links is null
        then format('select distinct %I from %s where %I = any ($1)', refers.attname, source.oid::regclass, refers.attname)
        -- Accounts that a run made have a link, whatever their ids.
        else format(
            'select distinct link.%I from %s link join %s source on source.%I = link.key::%s where link.%I = any ($1)',
            meant.id, meant.links, source.oid::regclass, refers.attname, format_type(refers.atttypid, null), meant.id
        )
    end,
    has_column_privilege(source.oid, refers.attnum, 'select')
        and has_schema_privilege(source.relnamespace, 'usage')
from meant
join pg_catalog.pg_constraint foreign_key on foreign_key.confrelid = meant.relation
join pg_catalog.pg_class source on source.oid = foreign_key.conrelid
join pg_catalog.pg_attribute refers on refers.attrelid = source.oid and refers.attnum = foreign_key.conkey[1]
join pg_catalog.pg_attribute referred on referred.attrelid = meant.relation and referred.attnum = foreign_key.confkey[1]
where foreign_key.contype = 'f'
    and cardinality(foreign_key.conkey) = 1
    and case when meant.links is null then refers.atttypid = 'uuid'::regtype else referred.attname = meant.key_column end
    and foreign_key.conparentid = 0
    -- A table of somebody else's may be in this schema, too: it is the first one that a role `muster` writes to.
    and not (source.relnamespace = 'muster'::regnamespace and source.relname in (
        'credentials', 'enrolments', 'groups', 'invitations', 'links', 'memberships', 'password_changes'
    ))
    -- The target's own memberships say who is in a group, and go with the account.
    and not exists (
        select from muster.targets
        where part = 'memberships' and to_regclass(relation) = source.oid
    )
order by 1, 2
