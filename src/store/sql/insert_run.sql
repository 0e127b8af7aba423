insert into muster.runs (id, kind, state, inputs, pipeline_sha256, seed, folder, pipeline, source)
values ($1, 'import', 'running', $2, $3, $4, $5, $6, $7)
returning (extract(epoch from started_at) * 1000)::bigint
