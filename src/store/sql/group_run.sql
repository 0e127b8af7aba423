-- A change of groups by hand: finished as soon as it is written, with its summary.
insert into muster.runs (id, kind, state, inputs, pipeline_sha256, seed, finished_at, summary)
values ($1, 'groups', 'finished', '{}', '', 0, now(), $2::text::jsonb)
