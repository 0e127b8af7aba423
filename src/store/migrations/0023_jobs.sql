-- Where the page of a job leads once its command has ended; `{run}` is the run that it made.
alter table muster.jobs add column leads_to text not null default '';
