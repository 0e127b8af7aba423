insert into muster.runs (id, kind, state, inputs, pipeline_sha256, seed, folder, undoes)
values ($1, 'undo', 'running', '{}', '', 0, $2, $3)
