-- Who set the values of account $1, as match.sql has it.
select jsonb_build_object(
    'made_by', case when account.run_id is not null then coalesce(made.source, '') end,
    'changes', coalesce((
        select jsonb_agg(
            jsonb_build_object(
                'source', coalesce(run.source, ''), 'undo', run.undoes is not null,
                'at', (extract(epoch from c.changed_at) * 1000000)::bigint, 'after', c.after
            ) order by c.changed_at, c.run_id, c.row
        )
        from muster.changes c left join muster.runs run on run.id = c.run_id
        where c.action = 'update' and c.account_id = account.id
    ), '[]'),
    'edits', coalesce(account.edits, '{}')
)::text
from muster.accounts account
left join muster.runs made on made.id = account.run_id
where account.id = $1
