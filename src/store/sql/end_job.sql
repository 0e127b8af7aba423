update muster.jobs
set state = 'ended', ended_at = now(), seen_at = now(), exit_code = $2,
    run_id = coalesce($3, run_id), stdout = $4, stderr = $5
where id = $1
