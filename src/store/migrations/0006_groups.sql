-- Groups, roles and memberships as platforms have them.

-- Who is in a public group is seen by those above: an import may have its members join the groups
-- above it, up to and including the first private one. Only the making of a group sets this; from
-- then on it is the application's to change.
alter table muster.groups add column visibility text not null default 'private'
    check (visibility in ('public', 'private'));
create index groups_parent on muster.groups (parent_id) where parent_id is not null;
alter table muster.group_changes add column visibility text not null default 'private';

-- Roles within the group; none for the default role. An inherited membership only came down from
-- a group below, and goes when nothing below is left that would bring it.
alter table muster.memberships
    add column roles text[] not null default '{}',
    add column inherited boolean not null default false,
    add check (not inherited or roles = '{}');

-- What a person is besides `role`, sorted.
alter table muster.accounts add column other_roles text[] not null default '{}';
