update muster.jobs
set state = 'running', seen_at = now(),
    progress = coalesce($2::text::jsonb, progress), run_id = coalesce($3, run_id)
where id = $1 and state <> 'ended'
returning stop_wanted
