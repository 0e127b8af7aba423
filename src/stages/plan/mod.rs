//! plan: what happens to a row, decided from the row, the account that it matched, and the
//! pipeline's policy. All of the policy is in [`decide`], which is pure and reads nothing else.

use crate::account::Account;
use crate::account::COLUMNS;
use crate::account::Matched;
use crate::account::Update;
use crate::decision::Action;
use crate::meaning::person::Person;
use crate::meaning::person::is_same_key;
use crate::meaning::person::roles;
use crate::meaning::person::status_of_onboarding;
use std::borrow::Cow;
use std::collections::BTreeMap;

use uuid::Uuid;

use crate::definition::{
    Definition, EmptyCell, Existing, MissingGroups, MissingSessions, Mode, Onboarding, Recycled,
    Returning, USED, UnknownDeactivated, UpdatePolicy,
};
use crate::field::{Field, Key, RowNumber};
use crate::issue::{Code, Issue};
use crate::meaning::dates::{Standing, standing};
use crate::meaning::membership;
use crate::meaning::membership::Tree;
use crate::meaning::protection::is_protected;
use crate::meaning::required::Required;
use crate::meaning::{group, words};
use crate::outcome::Outcome;
use crate::text::names;

pub mod provenance;

/// Somebody whose last day is over, where the account isn't closed by that.
fn over(person: &Person, status: &str, definition: &Definition) -> Option<Issue> {
    let is_closed = person.value(Field::Status) == Some("deactivated") || status == "deactivated";
    if is_closed || !person.is_over(definition) {
        return None;
    }
    let found = person.value(Field::EndDate).unwrap_or_default();
    let detail = match status {
        "" => "the new account is closed".to_string(),
        status => format!("the account stays {status}"),
    };
    let (code, row) = (Code::DateOver, person.row());
    Some(Issue::of_field(code, row, Field::EndDate, found, detail))
}

/// Decides what happens to a row. `tree` has the groups that there are.
pub fn decide(
    person: &Person,
    matched: Option<&Matched>,
    definition: &Definition,
    tree: &Tree,
) -> (Action, Vec<Issue>) {
    if let Some(issue) = left_by_status(person, matched, definition) {
        return (Action::Leave(Outcome::Skipped), vec![issue]);
    }
    let mut issues = unknown_groups(person, definition, tree);
    issues.extend(unknown_sessions(person, definition, tree));
    let waits = |issue: &Issue| matches!(issue.code, Code::GroupHeld | Code::SessionHeld);
    let waits = issues.iter().any(waits);
    let action = match matched {
        None => new_account(person, definition, tree, &mut issues),
        Some(matched) => {
            let others = keys_to_leave(person, matched);
            let own = own_match(matched, &others);
            match conflict(person, own.as_ref(), definition) {
                Some(issue) => {
                    let asks = matches!(
                        issue.code,
                        Code::MatchReturned | Code::MatchZeros | Code::MatchOtherPerson
                    );
                    issues.push(issue);
                    Action::Leave(if asks {
                        Outcome::Held
                    } else {
                        Outcome::Rejected
                    })
                }
                None => match &own.account {
                    Some(account) => {
                        let action = known_account(person, account, definition, tree, &mut issues);
                        without_keys(action, account, &others)
                    }
                    None => new_account(person, definition, tree, &mut issues),
                },
            }
        }
    };
    let rejected = issues.iter().any(|issue| definition.rejects(issue.code));
    match action {
        _ if rejected => (Action::Leave(Outcome::Rejected), issues),
        Action::Leave(Outcome::Skipped) => (action, issues),
        _ if waits => (Action::Leave(Outcome::Held), issues),
        action => (action, issues),
    }
}

/// Whether there can be closed accounts where they are kept.
fn can_close(definition: &Definition) -> bool {
    definition
        .target
        .as_ref()
        .is_none_or(|target| target.closes())
}

/// Why a row is left out by what its status says: it is about nobody, or would close an account
/// that isn't there.
fn left_by_status(
    person: &Person,
    matched: Option<&Matched>,
    definition: &Definition,
) -> Option<Issue> {
    let is_unknown = || {
        matched.is_none_or(|matched| {
            matched.account.is_none() && matched.by.iter().all(Option::is_none)
        })
    };
    let detail = match person.value(Field::Status)? {
        words::SKIPPED => "the pipeline leaves out rows of this status",
        "deactivated" if is_unknown() && !can_close(definition) => {
            "the table can't hold closed accounts, so no account is created"
        }
        "deactivated"
            if definition.matching.unknown_deactivated == UnknownDeactivated::Skip
                && is_unknown() =>
        {
            "no account matches this row, so there is none to deactivate"
        }
        _ => return None,
    };
    Some(Issue::of_row(Code::StatusSkipped, person.row(), detail))
}

/// Whether a row says that its account is closed.
pub fn closes(person: &Person) -> bool {
    person.value(Field::Status) == Some("deactivated")
}

/// The addresses and usernames of a row that closes the account of its external id, where other
/// accounts have them by now: the row goes on naming them, and the account doesn't get them back.
fn keys_to_leave(person: &Person, matched: &Matched) -> Vec<Key> {
    let by_id = matched.by[Key::ExternalId as usize];
    let chosen = matched.account.as_ref().map(|account| account.id);
    if by_id.is_none() || by_id != chosen || !closes(person) {
        return Vec::new();
    }
    let is_of_other = |key: &Key| matched.by[*key as usize].is_some_and(|id| Some(id) != by_id);
    [Key::Email, Key::Username]
        .into_iter()
        .filter(is_of_other)
        .collect()
}

/// A match without the accounts that have those keys.
pub fn own_match<'a>(matched: &'a Matched, without: &[Key]) -> Cow<'a, Matched> {
    let mut own = Cow::Borrowed(matched);
    for key in without {
        own.to_mut().by[*key as usize] = None;
    }
    own
}

/// An action that leaves an account's e-mail address, or username, as it is.
pub fn without_keys(action: Action, account: &Account, keys: &[Key]) -> Action {
    let Action::Update(mut update) = action else {
        return action;
    };
    for key in keys {
        set_key(&mut update, account, *key, false);
    }
    match update.after.is_empty() && update.joins.is_empty() && update.leaves.is_empty() {
        true => Action::Leave(Outcome::Unchanged),
        false => Action::Update(update),
    }
}

/// Lets an update leave one of the keys of its account, or take it away.
fn set_key(update: &mut Update, account: &Account, key: Key, takes: bool) {
    let name = key.field().name();
    update.before.remove(name);
    update.after.remove(name);
    let column = COLUMNS.iter().position(|column| *column == key.field());
    let held = column.and_then(|column| account.values[column].as_deref());
    if takes {
        let value = held.map_or(serde_json::Value::Null, Into::into);
        update.before.insert(name.to_string(), value);
        update
            .after
            .insert(name.to_string(), serde_json::Value::Null);
    }
    if let Some(column) = column {
        update.values[column] = held.filter(|_| !takes).map(String::from);
    }
    let place = usize::from(key == Key::Username);
    update.keys[place] = account.keys[place].clone().filter(|_| !takes);
}

/// The update of an account that is or gets closed, with those of its keys taken away that its row
/// names and another row of the file needs; none where there is nothing to take, or the pipeline
/// doesn't change them.
pub fn giving_up(
    person: &Person,
    account: &Account,
    action: &Action,
    keys: &[Key],
    definition: &Definition,
) -> Option<Update> {
    let mut given = match action {
        Action::Update(update) => update.as_ref().clone(),
        Action::Leave(Outcome::Unchanged) => unchanged(account),
        Action::Create | Action::Leave(_) => return None,
    };
    let status = COLUMNS.iter().position(|column| *column == Field::Status);
    let is_closed =
        status.is_some_and(|column| given.values[column].as_deref() == Some("deactivated"));
    let is_held = |key: &&Key| {
        let held = account.keys[usize::from(**key == Key::Username)].as_deref();
        held.is_some() && held == person.people.key(person.index, **key)
    };
    let is_updated = |key: &&Key| {
        matches!(
            definition.update.of(key.field()),
            UpdatePolicy::Overwrite | UpdatePolicy::Own
        )
    };
    let keys: Vec<Key> = keys
        .iter()
        .filter(is_held)
        .filter(is_updated)
        .copied()
        .collect();
    for key in &keys {
        set_key(&mut given, account, *key, true);
    }
    (is_closed && !keys.is_empty()).then_some(given)
}

/// The match of a row that could go in if other accounts gave up their e-mail addresses or
/// usernames, and the keys that it needs from whom; `None` where nothing of that kind is in the way.
pub fn without_taken_keys(
    person: &Person,
    matched: &Matched,
) -> Option<(Matched, Vec<(Key, Uuid)>)> {
    let by_id = matched.by[Key::ExternalId as usize];
    let mut free = matched.clone();
    let mut needs = Vec::new();
    let is_other_person = by_id.is_none()
        && match (person.value(Field::ExternalId), &matched.account) {
            (Some(wanted), Some(account)) => account
                .value(Field::ExternalId)
                .is_some_and(|held| held != wanted),
            _ => false,
        };
    if is_other_person {
        free.account = None;
    }
    let chosen = free.account.as_ref().map(|account| account.id);
    for key in [Key::Email, Key::Username] {
        if let Some(holder) = free.by[key as usize].filter(|holder| Some(*holder) != chosen) {
            needs.push((key, holder));
            free.by[key as usize] = None;
        }
    }
    (!needs.is_empty()).then_some((free, needs))
}

fn unknown_groups(person: &Person, definition: &Definition, tree: &Tree) -> Vec<Issue> {
    let policy = &definition.groups;
    let code = match policy.missing {
        MissingGroups::Create => return Vec::new(),
        MissingGroups::Reject => Code::GroupUnknown,
        MissingGroups::Hold => Code::GroupHeld,
    };
    let said = person.said();
    let issue = |field: Field, path: &str| {
        let detail = "a group that exists; this pipeline doesn't create groups";
        Issue::of_field(code, person.row(), field, path, detail)
    };
    let is_unknown = |path: &str| !tree.has(&group::key(path));
    let joined = said.named(policy).map(|(path, _)| (Field::Groups, path));
    let left = said
        .removed(policy)
        .map(|(path, _)| (Field::RemoveGroups, path));
    joined
        .chain(left)
        .filter(|(_, path)| is_unknown(path))
        .map(|(field, path)| issue(field, path))
        .collect()
}

fn unknown_sessions(person: &Person, definition: &Definition, tree: &Tree) -> Vec<Issue> {
    let code = match definition.sessions.missing {
        MissingSessions::Reject => Code::SessionUnknown,
        MissingSessions::Hold => Code::SessionHeld,
    };
    let issue = |name: &str| {
        let detail = match tree.nearest_session(name) {
            Some(near) => format!("a session that exists, such as `{near}`"),
            None => "a session that exists".to_string(),
        };
        Issue::of_field(code, person.row(), Field::Sessions, name, detail)
    };
    let is_unknown = |name: &&str| !tree.has(&membership::of_session(name));
    person
        .said()
        .enrolled()
        .filter(is_unknown)
        .map(issue)
        .collect()
}

/// Somebody who would be in no group, where everybody must be in one.
fn groupless(person: &Person, entries: &[String], definition: &Definition) -> Option<Issue> {
    if !definition.groups.required || membership::is_member(entries) {
        return None;
    }
    let detail = "at least one group";
    Some(Issue::of_field(
        Code::GroupMissing,
        person.row(),
        Field::Groups,
        "",
        detail,
    ))
}

fn new_account(
    person: &Person,
    definition: &Definition,
    tree: &Tree,
    issues: &mut Vec<Issue>,
) -> Action {
    if definition.matching.account_column.is_some() {
        let detail = "the account that this row is about no longer exists";
        issues.push(Issue::of_row(Code::AccountNone, person.row(), detail));
        return Action::Leave(Outcome::Rejected);
    }
    // Without a key, the next import would make the person a second time.
    let keys = definition.matching.keys();
    if !keys
        .iter()
        .any(|key| person.people.key(person.index, *key).is_some())
    {
        let detail = format!("a value for {}", definition.matching.by.join(", "));
        issues.push(Issue::of_row(Code::MatchNoKey, person.row(), detail));
        return Action::Leave(Outcome::Rejected);
    }
    if definition.matching.mode == Mode::Update {
        let keys: Vec<&str> = Key::ALL
            .iter()
            .filter(|key| person.people.key(person.index, **key).is_some())
            .map(|key| key.field().name())
            .collect();
        let detail = format!("no account has this {}", keys.join(" or "));
        issues.push(Issue::of_row(Code::AccountNone, person.row(), detail));
        return Action::Leave(Outcome::Rejected);
    }
    // Only rows of an exported file come here without what is required.
    let is_missing =
        |name: &String| Field::from_name(name).is_some_and(|field| person.value(field).is_none());
    if definition.require.fields.iter().any(is_missing) {
        let missing = |code, field, detail| {
            issues.push(Issue::of_field(code, person.row(), field, "", detail));
        };
        Required::of(definition).missing(|field| person.value(field).unwrap_or_default(), missing);
    }
    issues.extend(over(person, "", definition));
    issues.extend(person.role_rule(definition).map(|rule| {
        let (row, field) = (person.row(), Field::Role);
        Issue::of_field(Code::RoleRule, row, field, "", rule.to_string())
    }));
    if definition.accounts.gives_password {
        let status = person.value_of_new(Field::Status, definition);
        issues.push(password_of(person, status));
    }
    if definition.groups.required {
        let entries = person.entries_of_new(definition, tree);
        issues.extend(groupless(person, &entries, definition));
    }
    Action::Create
}

/// Has an update give a password to an account that is active after it; what is said of that.
fn give_password(person: &Person, update: &mut Update) -> Issue {
    let column = COLUMNS.iter().position(|column| *column == Field::Status);
    let status = column.and_then(|column| update.values[column].clone());
    let issue = password_of(person, status.as_deref());
    if issue.code == Code::PasswordGiven {
        update.give_password();
    }
    issue
}

/// What is said of the password that an account of that status gets.
fn password_of(person: &Person, status: Option<&str>) -> Issue {
    let code = match status {
        Some("active") => Code::PasswordGiven,
        _ => Code::PasswordWithheld,
    };
    Issue::of_row(code, person.row(), status.unwrap_or_default())
}

/// Keys that point at different accounts, or at one that this row can't be.
fn conflict(person: &Person, matched: &Matched, definition: &Definition) -> Option<Issue> {
    let row = person.row();
    let chosen = matched.account.as_ref().map(|account| account.id);
    let other = Key::ALL
        .iter()
        .find(|key| matched.by[**key as usize].is_some_and(|id| Some(id) != chosen));
    if let Some(key) = other
        && let Some(id) = matched.by[*key as usize]
    {
        let found = person.value(key.field()).unwrap_or("");
        let name = matched.others[*key as usize].as_deref().unwrap_or("");
        let (key_name, holder) = (key.field().name(), named(id, name));
        let detail = match &matched.account {
            Some(account) => format!(
                "this {key_name} belongs to {holder}; the row is about {}",
                named(account.id, &full_name(account))
            ),
            None => {
                format!("this {key_name} belongs to {holder}, but the pipeline doesn't match by it")
            }
        };
        return Some(Issue::of_field(
            Code::MatchAmbiguous,
            row,
            key.field(),
            found,
            detail,
        ));
    }
    let account = matched.account.as_ref()?;
    let by_external_id = definition.matching.keys().contains(&Key::ExternalId);
    match (
        person.value(Field::ExternalId),
        account.value(Field::ExternalId),
    ) {
        (Some(wanted), Some(held)) if by_external_id && wanted != held => {
            if matched.by[Key::Email as usize] == chosen {
                return returned(row, wanted, held, account, definition);
            }
            let detail = format!(
                "the row's username belongs to {}, whose external id is `{held}`",
                named(account.id, &full_name(account))
            );
            Some(Issue::of_field(
                Code::MatchConflict,
                row,
                Field::ExternalId,
                wanted,
                detail,
            ))
        }
        _ => other_person(person, matched, account, definition),
    }
}

/// A known external id or username beside the name and the address of another person: it was given
/// to somebody else, or the columns of the file slipped. The address isn't asked for its spelling, and
/// nobody is held who has the same one, or one of the two names.
fn other_person(
    person: &Person,
    matched: &Matched,
    account: &Account,
    definition: &Definition,
) -> Option<Issue> {
    let has_address = matched.by[Key::Email as usize] == Some(account.id);
    if definition.matching.recycled == Recycled::Same || has_address || !is_renamed(person, account)
    {
        return None;
    }
    let keys = definition.matching.keys().into_iter();
    let mut found = keys.filter(|key| matched.by[*key as usize] == Some(account.id));
    let field = found.next()?.field();
    let value = person.value(field).unwrap_or("");
    let of_row = |field| person.value(field).unwrap_or("");
    let row_name = [Field::FirstName, Field::LastName].map(of_row).join(" ");
    let row_name = match row_name.trim() {
        "" => of_row(Field::DisplayName),
        name => name,
    };
    let detail = format!(
        "this {} belongs to {}{}; the row has it for `{row_name}`{}",
        field.name(),
        named(account.id, &full_name(account)),
        with_address(account.value(Field::Email)),
        with_address(person.value(Field::Email)),
    );
    Some(Issue::of_field(
        Code::MatchOtherPerson,
        person.row(),
        field,
        value,
        detail,
    ))
}

/// Whether first and last name of a row are both other ones than those of the account.
fn is_renamed(person: &Person, account: &Account) -> bool {
    let parts = [Field::FirstName, Field::LastName];
    let [row, held] = [
        parts.map(|field| person.value(field)),
        parts.map(|field| account.value(field)),
    ];
    match (row, held) {
        ([Some(first), Some(last)], [Some(first_held), Some(last_held)]) => {
            names::are_of_two([first, last], [first_held, last_held])
        }
        ([None, None], _) => person
            .value(Field::DisplayName)
            .is_some_and(|name| names::are_of_two_in_full(name, &full_name(account))),
        _ => false,
    }
}

/// An account's first and last name, or what is shown of it.
fn full_name(account: &Account) -> String {
    let names = [Field::FirstName, Field::LastName].map(|field| account.value(field));
    let names: Vec<&str> = names
        .into_iter()
        .flatten()
        .filter(|name| !name.is_empty())
        .collect();
    match names.is_empty() {
        true => account.value(Field::DisplayName).unwrap_or("").to_string(),
        false => names.join(" "),
    }
}

/// An account by its name, in backticks, and its id.
fn named(id: Uuid, name: &str) -> String {
    match name.trim() {
        "" => format!("account {id}"),
        name => format!("`{name}`, account {id}"),
    }
}

fn with_address(address: Option<&str>) -> String {
    address.map_or(String::new(), |address| format!(", `{address}`"))
}

/// Whether an update gives its account the first and the last name of somebody else.
pub fn renames(update: &Update) -> bool {
    let of = |side: &BTreeMap<String, serde_json::Value>, field: Field| {
        Some(side.get(field.name())?.as_str()?.to_string())
    };
    let names = |side| {
        let parts = [Field::FirstName, Field::LastName].map(|field| of(side, field));
        let [Some(first), Some(last)] = parts else {
            return None;
        };
        Some([first, last])
    };
    match (names(&update.before), names(&update.after)) {
        (Some([first, last]), Some([new_first, new_last])) => {
            names::are_of_two([&first, &last], [&new_first, &new_last])
        }
        _ => false,
    }
}

/// A known address with a new external id: somebody who is back, or somebody else.
fn returned(
    row: RowNumber,
    wanted: &str,
    held: &str,
    account: &Account,
    definition: &Definition,
) -> Option<Issue> {
    if definition.matching.returning == Returning::Same {
        return None;
    }
    let status = account.value(Field::Status).unwrap_or("");
    if differs_by_leading_zeros(wanted, held) {
        let detail = format!(
            "the id of {status} account {} is `{held}`, its name `{}`; spreadsheets drop leading zeros, as in `{wanted}`",
            account.id,
            full_name(account)
        );
        let (code, field) = (Code::MatchZeros, Field::ExternalId);
        return Some(Issue::of_field(code, row, field, wanted, detail));
    }
    let detail = format!(
        "either {status} account {} with this address, external id `{held}`, name `{}`; or somebody new, external id `{wanted}`",
        account.id,
        full_name(account)
    );
    Some(Issue::of_field(
        Code::MatchReturned,
        row,
        Field::ExternalId,
        wanted,
        detail,
    ))
}

/// Whether two ids are one number, of which a spreadsheet dropped the zeros at the front, or to
/// which a program added `.0`.
fn differs_by_leading_zeros(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|id| {
        let id = id.strip_suffix(".0").unwrap_or(id);
        id.trim_start_matches('0')
    });
    one == other && one.starts_with(|c: char| c.is_ascii_digit())
}

fn known_account(
    person: &Person,
    account: &Account,
    definition: &Definition,
    tree: &Tree,
    issues: &mut Vec<Issue>,
) -> Action {
    if definition.accounts.removes {
        return removed(person, account, definition, issues);
    }
    let row = person.row();
    let status = account.value(Field::Status).unwrap_or("");
    let policy = match status {
        "active" => definition.matching.existing_active,
        "invited" => definition.matching.existing_invited,
        _ => definition.matching.existing_deactivated,
    };
    let code = if status == "active" {
        Code::AccountActive
    } else {
        Code::AccountExists
    };
    let held = |by: &str| format!("account {} is {status}; {by}", account.id);
    match policy {
        Existing::Skip => {
            let detail = held("the pipeline leaves such accounts alone");
            issues.push(Issue::of_row(Code::AccountSkipped, row, detail));
            return Action::Leave(Outcome::Skipped);
        }
        Existing::Reject => {
            issues.push(Issue::of_row(
                code,
                row,
                held("the pipeline doesn't accept such people"),
            ));
            return Action::Leave(Outcome::Rejected);
        }
        Existing::Update | Existing::Reactivate => {}
    }
    issues.extend(over(person, status, definition));
    let (mut update, entries) = update(person, account, definition, tree);
    let entries = entries.as_ref().unwrap_or(&account.groups);
    issues.extend(groupless(person, entries, definition));
    if policy == Existing::Reactivate && person.value(Field::Status).is_none() {
        // Not as with a new account: a password that the row brought along isn't taken over.
        let wanted = person.status_on_the_day(status_of_onboarding(definition), definition);
        set_status(&mut update, status, wanted);
    }
    let gives_password = definition.accounts.gives_password;
    let is_meant = gives_password && definition.matching.account_column.is_some();
    if person.has_password() || gives_password && !is_meant {
        let detail = held("its password stays as it is");
        issues.push(Issue::of_row(Code::PasswordKept, row, detail));
    }
    provenance::keep_others(&mut update, account, row, definition, issues);
    follow_dates(&mut update, status, definition);
    if is_meant {
        issues.push(give_password(person, &mut update));
    }
    let closed = stays_closed(person, account, &update, definition);
    if update.after.is_empty() && update.joins.is_empty() && update.leaves.is_empty() {
        issues.extend(closed);
        return Action::Leave(Outcome::Unchanged);
    }
    if definition.matching.mode == Mode::Create {
        issues.push(Issue::of_row(code, row, held("the pipeline only creates")));
        return Action::Leave(Outcome::Rejected);
    }
    issues.extend(closed);
    Action::Update(Box::new(update))
}

/// An account that goes, unless somebody used it or the pipeline protects it.
fn removed(
    person: &Person,
    account: &Account,
    definition: &Definition,
    issues: &mut Vec<Issue>,
) -> Action {
    let roles = roles(account.value(Field::Role), account.value(Field::OtherRoles));
    let is_protected = is_protected(definition, roles, account.keys[0].as_deref());
    let protected = is_protected.then_some("the pipeline protects it");
    if let Some(why) = person.aside(USED).or(protected) {
        let detail = format!("account {}: {why}", account.id);
        issues.push(Issue::of_row(Code::AccountUsed, person.row(), detail));
        return Action::Leave(Outcome::Skipped);
    }
    let mut update = unchanged(account);
    update.remove_account();
    Action::Update(Box::new(update))
}

/// Somebody on the list whose account is closed and stays so, although neither the row nor a last day
/// says it.
fn stays_closed(
    person: &Person,
    account: &Account,
    update: &Update,
    definition: &Definition,
) -> Option<Issue> {
    let value = |field: Field| {
        let column = COLUMNS.iter().position(|column| *column == field)?;
        update.values[column].as_deref()
    };
    let days = (value(Field::StartDate), value(Field::EndDate));
    let is_over = standing(&definition.accounts, days.0, days.1) == Standing::After;
    if account.value(Field::Status) != Some("deactivated")
        || value(Field::Status) != Some("deactivated")
        || closes(person)
        || is_over
    {
        return None;
    }
    let detail = match person.value(Field::Status) {
        Some("active") => format!(
            "account {}; `[update]` leaves its status as it is",
            account.id
        ),
        Some(status) => format!(
            "account {}; `{status}` doesn't reopen a closed account",
            account.id
        ),
        None => format!("account {}; nothing in the row reopens it", account.id),
    };
    Some(Issue::of_row(Code::AccountClosed, person.row(), detail))
}

/// An update that changes nothing yet.
fn unchanged(account: &Account) -> Update {
    Update {
        account: account.id,
        version: account.version.clone(),
        values: account.values.clone(),
        keys: account.keys.clone(),
        attributes: serde_json::from_str(&account.attributes).unwrap_or_default(),
        ..Update::default()
    }
}

/// What the account would become, and its memberships then, where they change. An empty cell keeps
/// what the account has.
fn update(
    person: &Person,
    account: &Account,
    definition: &Definition,
    tree: &Tree,
) -> (Update, Option<Vec<String>>) {
    let mut update = unchanged(account);
    let policy = &definition.update;
    for (column, field) in COLUMNS.into_iter().enumerate() {
        let held = account.values[column].as_deref();
        let empty = if field.is_clearable() {
            policy.empty
        } else {
            EmptyCell::Keep
        };
        let wanted = person
            .cell(field)
            .and_then(|cell| cell.wanted(held, policy.of(field), empty));
        let Some(wanted) = wanted else {
            continue;
        };
        // An address in capitals is the same address, and its spelling stays.
        if is_same_key(person, account, field) {
            continue;
        }
        // Nobody who came in already is sent back to the door.
        if field == Field::Status && wanted == Some("invited") {
            continue;
        }
        let value = |value: Option<&str>| value.map_or(serde_json::Value::Null, Into::into);
        update.before.insert(field.name().to_string(), value(held));
        update.after.insert(field.name().to_string(), value(wanted));
        update.values[column] = wanted.map(String::from);
        match field {
            Field::Email => update.keys[0] = person.key(Key::Email),
            Field::Username => update.keys[1] = person.key(Key::Username),
            _ => {}
        }
    }
    for (name, cell) in person.attribute_cells() {
        let held = update.attributes.get(name).cloned().unwrap_or_default();
        let update_policy = policy.of_attribute(name);
        // An attribute that is not a text was set by somebody else; it counts as a value.
        let text = held.as_str().or((!held.is_null()).then_some("\0"));
        let Some(wanted) = cell.wanted(text, update_policy, policy.empty) else {
            continue;
        };
        let key = format!("attributes.{name}");
        update.before.insert(key.clone(), held);
        update.after.insert(key, wanted.into());
        match wanted {
            Some(wanted) => drop(update.attributes.insert(name.to_string(), wanted.into())),
            None => drop(update.attributes.remove(name)),
        }
    }
    let after = move_groups(person, account, definition, tree, &mut update);
    (update, after)
}

/// The memberships that the account begins and ends; all that it has then, where they change.
fn move_groups(
    person: &Person,
    account: &Account,
    definition: &Definition,
    tree: &Tree,
    update: &mut Update,
) -> Option<Vec<String>> {
    let (said, held) = (person.said(), &account.groups);
    let after = membership::after(said, held, definition, tree)?;
    let only_in = |list: &[String], other: &[String]| -> Vec<String> {
        let missing = |entry: &&String| other.binary_search(entry).is_err();
        list.iter().filter(missing).cloned().collect()
    };
    update.joins = only_in(&after, held);
    update.leaves = only_in(held, &after);
    for field in membership::FIELDS {
        let [before, after] = [held, &after].map(|list| membership::recorded(list, field));
        if before != after {
            update.before.insert(field.name().to_string(), before);
            update.after.insert(field.name().to_string(), after);
        }
    }
    Some(after)
}

/// Gives an account that has the status `held` the status `wanted`.
fn set_status(update: &mut Update, held: &str, wanted: &str) {
    let name = Field::Status.name();
    if held == wanted {
        update.before.remove(name);
        update.after.remove(name);
    } else {
        update.before.insert(name.to_string(), held.into());
        update.after.insert(name.to_string(), wanted.into());
    }
    if let Some(column) = COLUMNS.iter().position(|field| *field == Field::Status) {
        update.values[column] = Some(wanted.to_string());
    }
}

/// Whether the account's first day was still to come before the update.
fn waited(update: &Update, definition: &Definition) -> bool {
    let start = update.before.get(Field::StartDate.name());
    let start = start.and_then(|value| value.as_str());
    standing(&definition.accounts, start, None) == Standing::Before
}

/// Whatever the row says of the status: nobody is activated before the first day, and nobody stays
/// after the last one. Who was active already stays active before the first day.
fn follow_dates(update: &mut Update, held: &str, definition: &Definition) {
    let value = |field: Field| {
        let column = COLUMNS.iter().position(|column| *column == field)?;
        update.values[column].as_deref()
    };
    let wanted = value(Field::Status).unwrap_or(held);
    let days = (value(Field::StartDate), value(Field::EndDate));
    let status = match standing(&definition.accounts, days.0, days.1) {
        Standing::Before if wanted == "active" && held != "active" => "invited",
        // Whoever only waited for a first day that has been moved forward waits no more.
        Standing::Within
            if wanted == "invited"
                && held == "invited"
                && definition.accounts.onboarding == Onboarding::Setup
                && waited(update, definition) =>
        {
            "active"
        }
        Standing::After if wanted != "deactivated" => {
            let roles = roles(value(Field::Role), value(Field::OtherRoles));
            if is_protected(definition, roles, update.keys[0].as_deref()) {
                return;
            }
            "deactivated"
        }
        _ => return,
    };
    set_status(update, held, status);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition;
    use crate::field::CLEARED;
    use crate::meaning::membership::Known;
    use crate::row::Layout;
    use crate::row::People;
    use crate::row::{Drafts, Slot, Table};

    const FIELDS: [Field; 6] = [
        Field::ExternalId,
        Field::Email,
        Field::LastName,
        Field::Groups,
        Field::Role,
        Field::Status,
    ];

    /// Decides about one row with these values in the order of [`FIELDS`].
    fn decided(toml: &str, row: [&str; 6], matched: Option<&Matched>) -> (Action, Vec<Code>) {
        // Rows without names come here only from an exported file.
        let toml = format!("name = \"p\"\n{toml}\n[require]\nfields = []");
        let definition = definition::parse("p", &toml).unwrap().definition;
        let layout = Layout::new(FIELDS.map(Slot::Field).to_vec());
        let mut values = Table::new(layout.width());
        for slot in layout.slots() {
            let field = FIELDS
                .iter()
                .position(|field| Slot::Field(*field) == *slot)
                .unwrap();
            values.push(row[field]);
        }
        let mut keys = Table::new(3);
        [row[0], row[1], ""].iter().for_each(|key| keys.push(key));
        let drafts = Drafts {
            values,
            ..Drafts::default()
        };
        let people = People {
            drafts,
            keys,
            verdicts: vec![Default::default()],
        };
        let person = Person {
            people: &people,
            index: 0,
            layout: &layout,
        };
        let known = Known {
            id: Uuid::nil(),
            public: false,
            parent: None,
        };
        let known = [("known".to_string(), known)].into();
        let tree = Tree::new(known, &definition.groups);
        let (action, issues) = decide(&person, matched, &definition, &tree);
        (action, issues.into_iter().map(|issue| issue.code).collect())
    }

    fn account(status: &str) -> Account {
        let mut account = Account {
            id: Uuid::from_u128(1),
            attributes: "{}".into(),
            ..Account::default()
        };
        for (field, value) in [
            (Field::ExternalId, "7"),
            (Field::Email, "a@x.org"),
            (Field::LastName, "Old"),
            (Field::Role, "user"),
            (Field::Status, status),
        ] {
            let column = COLUMNS.iter().position(|column| *column == field).unwrap();
            account.values[column] = Some(value.to_string());
        }
        account.keys[0] = Some("a@x.org".to_string());
        account.groups = vec!["known".to_string(), "other".to_string()];
        account
    }

    fn found(status: &str) -> Matched {
        let account = account(status);
        Matched {
            by: [Some(account.id), Some(account.id), None],
            account: Some(account),
            ..Matched::default()
        }
    }

    const SAME: [&str; 6] = ["7", "a@x.org", "Old", "", "", ""];
    const OTHER: [&str; 6] = ["7", "a@x.org", "New", "", "", ""];

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table reads best in one piece")]
    fn mode_and_status_decide_as_the_pipeline_says() {
        use Outcome::{Created, Rejected, Skipped, Unchanged, Updated};
        let modes = [
            "",
            "[match]\nmode = \"create\"",
            "[match]\nmode = \"update\"",
        ];
        for (toml, status, row, outcome, codes) in [
            (modes[0], None, OTHER, Created, vec![]),
            (modes[1], None, OTHER, Created, vec![]),
            (modes[2], None, OTHER, Rejected, vec![Code::AccountNone]),
            (modes[0], Some("active"), OTHER, Updated, vec![]),
            (
                modes[1],
                Some("active"),
                OTHER,
                Rejected,
                vec![Code::AccountActive],
            ),
            (
                modes[1],
                Some("invited"),
                OTHER,
                Rejected,
                vec![Code::AccountExists],
            ),
            (modes[2], Some("invited"), OTHER, Updated, vec![]),
            (modes[0], Some("active"), SAME, Unchanged, vec![]),
            (modes[1], Some("active"), SAME, Unchanged, vec![]),
            (
                "[match]\nexisting_active = \"skip\"",
                Some("active"),
                OTHER,
                Skipped,
                vec![Code::AccountSkipped],
            ),
            (
                "[match]\nexisting_active = \"skip\"",
                Some("invited"),
                OTHER,
                Updated,
                vec![],
            ),
            (
                "[match]\nexisting_active = \"reject\"",
                Some("active"),
                SAME,
                Rejected,
                vec![Code::AccountActive],
            ),
            (
                "[match]\nexisting_invited = \"reject\"",
                Some("invited"),
                SAME,
                Rejected,
                vec![Code::AccountExists],
            ),
            (
                "[match]\nexisting_deactivated = \"skip\"",
                Some("deactivated"),
                OTHER,
                Skipped,
                vec![Code::AccountSkipped],
            ),
            (
                "[match]\nby = [\"username\"]",
                None,
                OTHER,
                Rejected,
                vec![Code::MatchNoKey],
            ),
        ] {
            let matched = status.map(found);
            let (action, found) = decided(toml, row, matched.as_ref());
            assert_eq!(
                (action.outcome(), found),
                (outcome, codes),
                "{toml} {status:?} {row:?}"
            );
        }
    }

    #[test]
    fn a_row_without_what_is_required_makes_no_account() {
        let definition = definition::parse("p", "name = \"p\"").unwrap().definition;
        let layout = Layout::new([Field::Email, Field::FirstName].map(Slot::Field).to_vec());
        let mut values = Table::new(2);
        ["a@x.org", "Ann"]
            .iter()
            .for_each(|value| values.push(value));
        let mut keys = Table::new(3);
        ["", "a@x.org", ""].iter().for_each(|key| keys.push(key));
        let drafts = Drafts {
            values,
            ..Drafts::default()
        };
        let people = People {
            drafts,
            keys,
            verdicts: vec![Default::default()],
        };
        let person = Person {
            people: &people,
            index: 0,
            layout: &layout,
        };
        let tree = Tree::new([].into(), &definition.groups);
        let (action, issues) = decide(&person, None, &definition, &tree);
        let codes: Vec<Code> = issues.iter().map(|issue| issue.code).collect();
        assert!(matches!(action, Action::Leave(Outcome::Rejected)));
        assert_eq!(codes, [Code::LastNameMissing]);
    }

    #[test]
    fn a_row_closes_the_account_that_is_there_and_makes_none() {
        use Outcome::{Created, Skipped, Unchanged, Updated};
        let skip = "[match]\nunknown_deactivated = \"skip\"";
        let update = "[match]\nunknown_deactivated = \"skip\"\nmode = \"update\"";
        let skipped = || vec![Code::StatusSkipped];
        let closes = ["7", "", "", "", "", "deactivated"];
        let nobody = ["", "", "", "unknown", "", words::SKIPPED];
        for (toml, status, row, outcome, codes) in [
            (skip, None, closes, Skipped, skipped()),
            (update, None, closes, Skipped, skipped()),
            ("", None, closes, Created, vec![]),
            (skip, Some("active"), closes, Updated, vec![]),
            ("", Some("deactivated"), closes, Unchanged, vec![]),
            ("", None, nobody, Skipped, skipped()),
            (skip, Some("active"), nobody, Skipped, skipped()),
        ] {
            let matched = status.map(found);
            let (action, codes_found) = decided(toml, row, matched.as_ref());
            let reported = (action.outcome(), codes_found);
            assert_eq!(reported, (outcome, codes), "{toml} {status:?} {row:?}");
        }
    }

    #[test]
    fn keys_of_other_accounts_are_never_guessed_about() {
        let other = Some(Uuid::from_u128(2));
        let mine = found("active");
        for (toml, by, account, row, code) in [
            (
                "",
                [mine.by[0], other, None],
                mine.account.clone(),
                OTHER,
                Code::MatchAmbiguous,
            ),
            (
                "[match]\nby = [\"external_id\"]",
                [None, other, None],
                None,
                OTHER,
                Code::MatchAmbiguous,
            ),
            (
                "",
                [None, None, mine.by[1]],
                mine.account.clone(),
                ["8", "b@x.org", "New", "", "", ""],
                Code::MatchConflict,
            ),
        ] {
            let (action, codes) = decided(
                toml,
                row,
                Some(&Matched {
                    by,
                    account,
                    ..Matched::default()
                }),
            );
            assert_eq!((action.outcome(), codes), (Outcome::Rejected, vec![code]));
        }
    }

    #[test]
    fn an_id_without_its_zeros_is_distinguished_from_another() {
        for (one, other) in [
            ("123", "00123"),
            ("00124", "124"),
            ("125.0", "00125"),
            ("125", "125.0"),
        ] {
            assert!(differs_by_leading_zeros(one, other), "{one} {other}");
        }
        for (one, other) in [("123", "1230"), ("A1", "0A1"), ("0", "00"), ("124", "123")] {
            assert!(!differs_by_leading_zeros(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_known_address_with_a_new_id_waits_unless_the_pipeline_knows_who_that_is() {
        use Outcome::{Held, Rejected, Skipped, Updated};
        const BACK: [&str; 6] = ["8", "a@x.org", "Old", "", "", ""];
        let held = || vec![Code::MatchReturned];
        for (toml, status, outcome, codes) in [
            ("", "active", Held, held()),
            ("", "deactivated", Held, held()),
            (
                "[match]\nexisting_active = \"skip\"",
                "active",
                Held,
                held(),
            ),
            (
                "[rows]\nreject = [\"match.returned\"]",
                "active",
                Rejected,
                held(),
            ),
            ("[match]\nreturning = \"same\"", "active", Updated, vec![]),
            (
                "[match]\nreturning = \"same\"",
                "deactivated",
                Updated,
                vec![Code::AccountClosed],
            ),
            (
                "[match]\nreturning = \"same\"\nexisting_deactivated = \"skip\"",
                "deactivated",
                Skipped,
                vec![Code::AccountSkipped],
            ),
        ] {
            let mut matched = found(status);
            matched.by[0] = None;
            let (action, found) = decided(toml, BACK, Some(&matched));
            assert_eq!((action.outcome(), found), (outcome, codes), "{toml}");
            if let Action::Update(update) = action {
                assert_eq!(update.values[0].as_deref(), Some("8"));
                assert_eq!(update.before["external_id"], "7");
            }
        }
        let mut matched = found("active");
        matched.by[0] = None;
        let (action, _) = decided("[match]\nby = [\"email\"]", OTHER, Some(&matched));
        assert_eq!(action.outcome(), Updated, "ids are no key of this pipeline");
    }

    /// Decides about one row with these fields, which is matched to `account` by the keys `by`.
    fn decided_with(
        toml: &str,
        row: &[(Field, &str)],
        account: &Account,
        by: [bool; 3],
    ) -> (Action, Vec<Issue>) {
        let toml = format!("name = \"p\"\n{toml}");
        let definition = definition::parse("p", &toml).unwrap().definition;
        let slots = row.iter().map(|(field, _)| Slot::Field(*field));
        let layout = Layout::new(slots.collect());
        let mut values = Table::new(layout.width());
        for slot in layout.slots() {
            let found = row.iter().find(|(field, _)| Slot::Field(*field) == *slot);
            values.push(found.unwrap().1);
        }
        let mut keys = Table::new(3);
        for key in Key::ALL {
            let found = row.iter().find(|(field, _)| *field == key.field());
            let text = found.map_or("", |(_, text)| text);
            let is_id = key == Key::ExternalId;
            keys.push(&if is_id {
                text.to_string()
            } else {
                text.to_lowercase()
            });
        }
        let people = People {
            drafts: Drafts {
                values,
                ..Drafts::default()
            },
            keys,
            verdicts: vec![Default::default()],
        };
        let person = Person {
            people: &people,
            index: 0,
            layout: &layout,
        };
        let matched = Matched {
            by: by.map(|is_found| is_found.then_some(account.id)),
            account: Some(account.clone()),
            ..Matched::default()
        };
        let tree = Tree::new([].into(), &definition.groups);
        decide(&person, Some(&matched), &definition, &tree)
    }

    fn kira(status: &str) -> Account {
        let mut kira = account(status);
        for (field, value) in [
            (Field::FirstName, "Kira"),
            (Field::LastName, "Lund"),
            (Field::Username, "KLund"),
        ] {
            let column = COLUMNS.iter().position(|column| *column == field).unwrap();
            kira.values[column] = Some(value.to_string());
        }
        kira.keys[1] = Some("klund".to_string());
        kira
    }

    #[test]
    fn a_key_that_went_to_another_person_waits_unless_the_pipeline_knows_better() {
        use Field::{DisplayName, Email, ExternalId, FirstName, LastName, Username};
        use Outcome::{Held, Rejected, Unchanged, Updated};
        const BY_ID: [bool; 3] = [true, false, false];
        const BY_USERNAME: [bool; 3] = [false, false, true];
        const SAME: &str = "[match]\nrecycled = \"same\"";
        const STRICT: &str = "[rows]\nreject = [\"match.other_person\"]";
        let id = (ExternalId, "7");
        let tom = [
            id,
            (Email, "tom@x.org"),
            (FirstName, "Tom"),
            (LastName, "Brandt"),
        ];
        let with = |change: (Field, &'static str)| {
            tom.map(|(field, value)| (field, if field == change.0 { change.1 } else { value }))
        };
        for (toml, row, by, outcome) in [
            ("", tom.to_vec(), BY_ID, Held),
            (SAME, tom.to_vec(), BY_ID, Updated),
            (STRICT, tom.to_vec(), BY_ID, Rejected),
            // whoever marries keeps the first name, and few change that alone
            ("", with((FirstName, "KIRA")).to_vec(), BY_ID, Updated),
            ("", with((LastName, "Lund")).to_vec(), BY_ID, Updated),
            (
                "",
                with((Email, "a@x.org")).to_vec(),
                [true, true, false],
                Updated,
            ),
            // nothing there is nothing else
            ("", with((FirstName, "")).to_vec(), BY_ID, Updated),
            ("", with((Email, "")).to_vec(), BY_ID, Held),
            (
                "",
                vec![id, (FirstName, "Lund"), (LastName, "Kira")],
                BY_ID,
                Updated,
            ),
            ("", vec![id, (DisplayName, "Tom Brandt")], BY_ID, Held),
            ("", vec![id, (DisplayName, "Lund, Kira")], BY_ID, Updated),
            (
                "",
                vec![
                    (Username, "klund"),
                    (Email, "karl@x.org"),
                    (FirstName, "Karl"),
                    (LastName, "Lundgren"),
                ],
                BY_USERNAME,
                Held,
            ),
            (
                "",
                vec![(Username, "KLUND"), (FirstName, "Kira"), (LastName, "Lund")],
                BY_USERNAME,
                Unchanged,
            ),
        ] {
            let (action, issues) = decided_with(toml, &row, &kira("active"), by);
            assert_eq!(action.outcome(), outcome, "{toml} {row:?}");
            let codes: Vec<Code> = issues.iter().map(|issue| issue.code).collect();
            let is_asked = matches!(outcome, Held | Rejected);
            assert_eq!(
                codes == [Code::MatchOtherPerson],
                is_asked,
                "{row:?} {issues:?}"
            );
        }
        let (_, issues) = decided_with("", &tom, &kira("active"), BY_ID);
        for name in ["`Kira Lund`", "`a@x.org`", "`Tom Brandt`", "`tom@x.org`"] {
            assert!(issues[0].detail.contains(name), "{}", issues[0].detail);
        }
    }

    #[test]
    fn the_spelling_of_an_address_stays() {
        use Field::{Email, ExternalId, LastName, Username};
        let row = [
            (ExternalId, "7"),
            (Email, "A@X.ORG"),
            (Username, "KLUND"),
            (LastName, "Lund"),
        ];
        let (action, issues) = decided_with("", &row, &kira("active"), [true, true, true]);
        assert_eq!(
            (action, issues),
            (Action::Leave(Outcome::Unchanged), vec![])
        );
        let row = [(ExternalId, "7"), (Email, "A@X.ORG"), (LastName, "Berg")];
        let (action, _) = decided_with("", &row, &kira("active"), [true, true, false]);
        let Action::Update(update) = action else {
            panic!("{action:?}")
        };
        let changed: Vec<&str> = update.after.keys().map(String::as_str).collect();
        assert_eq!(changed, ["last_name"]);
        assert_eq!(update.keys[0].as_deref(), Some("a@x.org"));
    }

    #[test]
    fn who_is_on_the_list_and_stays_closed_is_named() {
        use Field::{EndDate, ExternalId, LastName, Status};
        let row = |status| {
            [
                (ExternalId, "7"),
                (LastName, "Lund"),
                (Status, status),
                (EndDate, ""),
            ]
        };
        let opens = "[match]\nexisting_deactivated = \"reactivate\"";
        let skips = "[match]\nexisting_deactivated = \"skip\"";
        for (toml, held, status, codes) in [
            ("", "deactivated", "", vec![Code::AccountClosed]),
            ("", "deactivated", "invited", vec![Code::AccountClosed]),
            ("", "deactivated", "active", vec![]),
            ("", "deactivated", "deactivated", vec![]),
            ("", "active", "", vec![]),
            ("", "active", "deactivated", vec![]),
            (opens, "deactivated", "", vec![]),
            (skips, "deactivated", "", vec![Code::AccountSkipped]),
        ] {
            let (_, issues) = decided_with(toml, &row(status), &kira(held), [true, false, false]);
            let found: Vec<Code> = issues.iter().map(|issue| issue.code).collect();
            assert_eq!(found, codes, "{toml} {held} {status}");
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn a_closing_row_leaves_its_address_to_whoever_has_it() {
        use Field::{Email, ExternalId, LastName, Status};
        let definition = definition::parse("p", "name = \"p\"").unwrap().definition;
        let row = [
            (ExternalId, "7"),
            (Email, "b@x.org"),
            (LastName, "Lund"),
            (Status, "deactivated"),
        ];
        let kira = kira("active");
        let mut other = Matched {
            by: [Some(kira.id), Some(Uuid::from_u128(2)), None],
            account: Some(kira.clone()),
            ..Matched::default()
        };
        other.others[1] = Some("Bo Li".to_string());
        let with_matched = |row: &[(Field, &str)], check: &dyn Fn(&Person)| {
            let slots = row.iter().map(|(field, _)| Slot::Field(*field));
            let layout = Layout::new(slots.collect());
            let mut values = Table::new(layout.width());
            for slot in layout.slots() {
                let found = row.iter().find(|(field, _)| Slot::Field(*field) == *slot);
                values.push(found.unwrap().1);
            }
            let mut keys = Table::new(3);
            [row[0].1, row[1].1, ""]
                .iter()
                .for_each(|key| keys.push(key));
            let people = People {
                drafts: Drafts {
                    values,
                    ..Drafts::default()
                },
                keys,
                verdicts: vec![Default::default()],
            };
            check(&Person {
                people: &people,
                index: 0,
                layout: &layout,
            });
        };
        let tree = Tree::new([].into(), &definition.groups);
        with_matched(&row, &|person| {
            let (action, issues) = decide(person, Some(&other), &definition, &tree);
            let Action::Update(update) = &action else {
                panic!("{action:?} {issues:?}")
            };
            let changed: Vec<&str> = update.after.keys().map(String::as_str).collect();
            assert_eq!(changed, ["status"]);
            assert_eq!(
                giving_up(person, &kira, &action, &[Key::Email], &definition),
                None
            );
        });
        let mut open = row;
        open[3].1 = "active";
        with_matched(&open, &|person| {
            let (action, issues) = decide(person, Some(&other), &definition, &tree);
            assert_eq!(action.outcome(), Outcome::Rejected);
            assert!(
                issues[0].detail.contains("`Bo Li`, account"),
                "{}",
                issues[0].detail
            );
        });
        let mut own = row;
        own[1].1 = "a@x.org";
        with_matched(&own, &|person| {
            let matched = Matched {
                by: [Some(kira.id), Some(kira.id), None],
                ..other.clone()
            };
            let (action, _) = decide(person, Some(&matched), &definition, &tree);
            let given = giving_up(person, &kira, &action, &[Key::Email], &definition).unwrap();
            assert_eq!(
                (given.values[1].clone(), given.keys[0].clone()),
                (None, None)
            );
            assert_eq!(given.before["email"], "a@x.org");
            assert!(given.after["email"].is_null() && given.after["status"] == "deactivated");
        });
    }

    #[test]
    fn an_update_holds_what_changes_and_nothing_else() {
        let row = ["7", "a@x.org", "New", "known\u{1f}Fresh", "", "invited"];
        let (action, _) = decided("", row, Some(&found("active")));
        let Action::Update(update) = action else {
            panic!("{action:?}")
        };
        let changed: Vec<&str> = update.after.keys().map(String::as_str).collect();
        assert_eq!(changed, ["groups", "last_name"]);
        assert_eq!(update.before["last_name"], "Old");
        assert_eq!(
            (update.joins, update.leaves),
            (vec!["fresh".to_string()], vec![])
        );
        let replace = "[groups]\nmemberships = \"replace\"";
        let (action, _) = decided(replace, row, Some(&found("active")));
        let Action::Update(update) = action else {
            panic!("{action:?}")
        };
        assert_eq!(update.leaves, ["other"]);
        let (action, codes) = decided(
            "[groups]\nmissing = \"reject\"",
            row,
            Some(&found("active")),
        );
        assert_eq!(
            (action.outcome(), codes),
            (Outcome::Rejected, vec![Code::GroupUnknown])
        );
    }

    #[test]
    fn who_waits_for_a_group_or_has_none_stays_out() {
        use Outcome::{Created, Held, Rejected, Skipped, Unchanged, Updated};
        const HOLD: &str = "[groups]\nmissing = \"hold\"";
        const NONE: &str = "[groups]\nrequired = true";
        const SKIP: &str = "[match]\nexisting_active = \"skip\"\n[groups]\nmissing = \"hold\"";
        const REPLACE: &str = "[groups]\nrequired = true\nmemberships = \"replace\"";
        let in_groups = |groups| ["7", "a@x.org", "Old", groups, "", ""];
        let active = found("active");
        let mut lonely = active.clone();
        lonely.account.as_mut().unwrap().groups.clear();
        for (toml, groups, matched, outcome, codes) in [
            (HOLD, "known\u{1f}new", None, Held, vec![Code::GroupHeld]),
            (HOLD, "new", Some(&active), Held, vec![Code::GroupHeld]),
            (HOLD, "known", Some(&active), Unchanged, vec![]),
            (
                SKIP,
                "new",
                Some(&active),
                Skipped,
                vec![Code::GroupHeld, Code::AccountSkipped],
            ),
            (NONE, "", None, Rejected, vec![Code::GroupMissing]),
            (NONE, "new", None, Created, vec![]),
            (NONE, "", Some(&active), Unchanged, vec![]),
            (NONE, "", Some(&lonely), Rejected, vec![Code::GroupMissing]),
            (NONE, "new", Some(&lonely), Updated, vec![]),
            (
                NONE,
                CLEARED,
                Some(&active),
                Rejected,
                vec![Code::GroupMissing],
            ),
            (REPLACE, "new", Some(&active), Updated, vec![]),
        ] {
            let (action, found) = decided(toml, in_groups(groups), matched);
            assert_eq!(
                (action.outcome(), found),
                (outcome, codes),
                "{toml} {groups}"
            );
        }
    }
}
