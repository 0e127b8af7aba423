-- What runs did to account $1 and what undos kept of it: time, run, its kind, what it undid, row, action, before, after.
select
    (extract(epoch from c.changed_at) * 1000000)::bigint, c.run_id, coalesce(run.kind, ''), run.undoes,
    c.row, c.action, c.before::text, c.after::text
from muster.changes c
left join muster.runs run on run.id = c.run_id
where c.account_id = $1
union all
select
    (extract(epoch from kept.kept_at) * 1000000)::bigint, kept.run_id, 'undo', run.undoes,
    kept.row, 'keep', to_jsonb(kept.field)::text, to_jsonb(kept.reason)::text
from muster.kept
left join muster.runs run on run.id = kept.run_id
where kept.account_id = $1
union all
select
    (extract(epoch from chunk.finished_at) * 1000000)::bigint, chunk.run_id, 'import', null,
    person.row, 'unchanged', '{}', '{}'
from muster.chunks chunk, unnest(chunk.unchanged_rows, chunk.unchanged_accounts) as person (row, account_id)
where chunk.unchanged_accounts @> array[$1::uuid] and person.account_id = $1
order by 1, 6 desc
