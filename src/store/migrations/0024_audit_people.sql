-- Whose accounts a line is about, so that the history of a person can say who did what to it. What
-- runs do to people is in muster.changes.
alter table muster.audit add column people uuid[] not null default '{}';
create index audit_people on muster.audit using gin (people) where people <> '{}';
