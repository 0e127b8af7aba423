update muster.runs
set state = $2, summary = $3::text::jsonb, folder = $4,
    finished_at = case when $2 = 'finished' then now() end
where id = $1
