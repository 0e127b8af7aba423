-- What the safeguards said before a run wrote anything: an array as in its summary. A run that was
-- cut off is taken up by it, and later runs of the pipeline count what it did.
alter table muster.runs add column gates jsonb;
