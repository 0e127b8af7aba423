-- Several processes at one run.

-- When processes began to share the run: of all runs that have a time here, the newest may be joined
-- as long as somebody is at it.
alter table muster.runs add column shared_at timestamptz;

-- What the others must know of a chunk besides its outcomes: JSON, as store/share.rs has it. Null where
-- one process writes the run.
alter table muster.chunks add column notes text;
