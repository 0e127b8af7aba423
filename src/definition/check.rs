//! What serde can't see in a definition, and no section by itself: words that must name a field, a key
//! or a code, and settings that contradict each other.

use std::collections::HashMap;

use super::place::{Checked, Mistake, one_of};
use super::{Definition, target};
use crate::field::{Field, Key, NamePart};
use crate::issue::Code;
use crate::text::key;

/// Checks all of a definition.
pub(super) fn check(definition: &Definition) -> Checked {
    check_words(definition)?;
    check_columns(definition)?;
    definition.update.check()?;
    definition.matching.check()?;
    definition.load.check()?;
    definition.read.check()?;
    definition.clean.check()?;
    definition.accounts.check()?;
    definition.groups.check()?;
    check_roles(definition)?;
    definition.role.check()?;
    definition.leavers.check()?;
    definition.safeguards.check()?;
    definition.mail.check()?;
    target::check(definition)
}

/// Words that must name a field, a key or a code.
fn check_words(definition: &Definition) -> Checked {
    let known_fields: Vec<&str> = Field::ALL.map(Field::name).to_vec();
    for field in &definition.require.fields {
        one_of(&["require", "fields"], "fields", field, &known_fields)?;
    }
    let keys: Vec<&str> = Key::ALL.map(|key| key.field().name()).to_vec();
    for key in &definition.matching.by {
        one_of(&["match", "by"], "by", key, &keys)?;
    }
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    for code in &definition.rows.reject {
        one_of(&["rows", "reject"], "reject", code, &codes)?;
    }
    let touched: Vec<&str> = known_fields.iter().copied().chain(["attributes"]).collect();
    for field in definition.update.fields.keys() {
        if !field.starts_with("attributes.") {
            let path = ["update", "fields", field];
            one_of(&path, "[update.fields]", field, &touched)?;
        }
    }
    Ok(())
}

/// No column can be two things.
fn check_columns(definition: &Definition) -> Checked {
    let columns = &definition.columns;
    let fields = Field::ALL.iter();
    let fields = fields.filter_map(|field| Some((field.name(), columns.of(*field)?)));
    let parts = NamePart::ALL.into_iter();
    let parts = parts.filter_map(|part| Some((part.name(), columns.of_part(part)?)));
    let hashes = columns.password_hash.iter();
    let hashes = hashes.map(|headers| ("password_hash", headers));
    let named = fields.chain(parts).map(|named| ("columns", named));
    let attributes = definition.attributes.iter();
    let attributes = attributes.map(|(name, headers)| ("attributes", (name.as_str(), headers)));
    let hashes = hashes.map(|named| ("columns", named));
    let mut seen: HashMap<String, &str> = HashMap::new();
    for (section, (name, headers)) in named.chain(attributes).chain(hashes) {
        for header in headers.as_slice() {
            let earlier = seen.insert(key(header), name);
            if let Some(earlier) = earlier.filter(|earlier| *earlier != name) {
                let message = format!("the column `{header}` is both `{earlier}` and `{name}`");
                let mistake = Mistake::at(&[section, name], message).word(header);
                return Err(mistake.help("keep one of the two"));
            }
        }
    }
    Ok(())
}

/// Roles are in lists, separated by `;`, and in entries of memberships, separated by `/`.
fn check_roles(definition: &Definition) -> Checked {
    let (accounts, groups) = (&definition.accounts, &definition.groups);
    let parts: Vec<char> = [';', '/']
        .into_iter()
        .chain(groups.separators.iter().copied())
        .collect();
    let is_wrong = |role: &str| role.trim().is_empty() || role.contains(|c| parts.contains(&c));
    let listed = accounts.roles.iter().filter(|_| accounts.several_roles);
    let listed = listed.map(|role| (["accounts", "roles"], role));
    let in_groups = groups.roles.iter().map(|role| (["groups", "roles"], role));
    let default = (["groups", "default_role"], &groups.default_role);
    for (path, role) in listed.chain(in_groups).chain([default]) {
        if is_wrong(role) {
            let message = format!("the role `{role}` is empty, or has a separator in it");
            return Err(Mistake::at(&path, message).word(role));
        }
    }
    if !groups.roles.is_empty() && groups.role_mark.is_none() {
        let message = "`roles` of groups need a `role_mark`";
        return Err(Mistake::at(&["groups", "roles"], message));
    }
    if let Some(mark) = groups.role_mark
        && (!mark.is_ascii_punctuation() || mark == groups.nesting || parts.contains(&mark))
    {
        let message =
            "`role_mark` must be an ASCII punctuation mark that nests and separates nothing";
        return Err(Mistake::at(&["groups", "role_mark"], message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::definition::parse;

    #[test]
    fn no_column_is_two_things() {
        let text = "name = \"p\"\n[columns]\nemail = \"Login\"\nusername = [\"User\", \"login\"]\n";
        let refusal = parse("p.toml", text).unwrap_err();
        let what = "p.toml:4:21: the column `login` is both `email` and `username`";
        assert!(refusal.what.starts_with(what), "{}", refusal.what);
        let text = "name = \"p\"\n[columns]\nemail = [\"Mail\", \"mail\"]\n";
        assert!(parse("p.toml", text).is_ok());
    }

    #[test]
    fn words_for_roles_mean_one_role_that_may_be_given() {
        let refused = |words: &str| {
            let roles = "[accounts]\nroles = [\"user\", \"Admin\"]\n[role]\n";
            let result = parse("p", &format!("name = \"p\"\n{roles}{words}"));
            result
                .err()
                .map(|refusal| refusal.what.lines().next().unwrap_or("").to_string())
        };
        assert_eq!(
            refused("admin = [\"1\", \"boss\", \"admin\"]\nuser = \"*\""),
            None
        );
        for (words, what) in [
            ("amdin = \"1\"", "p:5:1: unknown word `amdin` in `[role]`"),
            (
                "admin = \"1\"\nuser = [\"1\"]",
                "p:6:9: the word `1` means both `admin` and `user`",
            ),
            (
                "admin = \"*\"\nuser = \"*\"",
                "p:6:8: the word `*` means both `admin` and `user`",
            ),
            (
                "admin = \"User\"",
                "p:5:9: the word `User` means both `User` and `admin`",
            ),
        ] {
            assert_eq!(refused(words).as_deref(), Some(what), "{words}");
        }
    }

    #[test]
    fn a_wrong_key_shows_its_place_and_the_nearest_word() {
        let refusal = parse(
            "p.toml",
            "name = \"x\"\n[match]\nexistng_active = \"skip\"\n",
        )
        .unwrap_err();
        assert_eq!(
            refusal.what,
            "p.toml:3:1: unknown key `existng_active`\n  |\n3 | existng_active = \"skip\"\n  | ^"
        );
        assert_eq!(refusal.help, "did you mean `existing_active`?");
    }

    #[test]
    fn a_wrong_word_shows_its_place_and_the_nearest_word() {
        let refusal = parse("p.toml", "name = \"x\"\n[match]\nmode = \"upsrt\"\n").unwrap_err();
        assert!(
            refusal.what.starts_with("p.toml:3:8: unknown word `upsrt`"),
            "{}",
            refusal.what
        );
        assert_eq!(refusal.help, "did you mean `upsert`?");
        let refusal = parse("p.toml", "name = \"x\"\n[match]\nby = [\"emial\"]\n").unwrap_err();
        assert!(
            refusal
                .what
                .starts_with("p.toml:3:7: unknown word `emial` in `by`"),
            "{}",
            refusal.what
        );
        assert_eq!(refusal.help, "did you mean `email`?");
        let text = "name = \"x\"\n[clean]\nconverted = [\"groups\", \"status\"]\n";
        let refusal = parse("p.toml", text).unwrap_err();
        assert!(
            refusal
                .what
                .starts_with("p.toml:3:1: `status` in `converted` is not a field"),
            "{}",
            refusal.what
        );
        let refusal = parse("p.toml", "name = \"a\\u0000b\"\n").unwrap_err();
        assert!(refusal.what.contains("NUL"), "{}", refusal.what);
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        let target = "[target]\ntable = \"users\"\n[target.columns]\nemail = \"mail\"\n";
        // Below the line of the name.
        for (text, place) in [
            ("[load]\nconnections = 0", "3:1"),
            ("[load]\nconnections = 2\n[mail]\nconnections = 0", "5:1"),
            ("load = { connections = 0 }", "2:10"),
            ("load.connections = 0", "2:6"),
            ("# quote\n[read]\nquote = \"''\"", "4:1"),
            ("[read]\ndelimiter = \"a,\"", "3:1"),
            ("[clean]\nnothing = [\"x\"]\ndata = [\"x\"]", "4:1"),
            ("[accounts]\nroles = [\"a\"]", "2:1"),
            ("[groups]\nroles = [\"a\"]", "3:1"),
            (
                "[groups]\nrole_mark = \":\"\nroles = [\"a\", \"b;\"]",
                "4:15",
            ),
            (
                "[leavers]\nprotected = [\n  \"a@b.de\",\n  \"it\",\n]",
                "5:3",
            ),
            ("[gates]\nwindow = \"soon\"", "3:1"),
            ("[gates.create]\nshare = -1", "2:1"),
            ("[gates]\ncreate = { share = -1 }", "3:1"),
            ("[update.fields]\nphone = \"keep\"\nemial = \"keep\"", "4:1"),
            (
                "[columns]\nemail = \"Login\"\n[attributes]\nx = \"login\"",
                "5:5",
            ),
            (&format!("{target}phone = \"mail\""), "6:9"),
            (&format!("{target}fone = \"x\""), "6:1"),
            (&format!("{target}[groups]\nrequired = true"), "7:1"),
            (&format!("{target}[update]\ndefault = \"own\""), "7:11"),
            (&format!("{target}[match]\nby = [\"username\"]"), "2:1"),
            ("[attributes]\n\"a\\u0000\" = \"x\"", "3:3"),
            ("[status]\nx = \"\"\"\n\\u0000\"\"\"", "3:5"),
        ] {
            let refusal = parse("p", &format!("name = \"p\"\n{text}\n")).unwrap_err();
            let start = format!("p:{place}: ");
            assert!(refusal.what.starts_with(&start), "{text}\n{}", refusal.what);
        }
    }
}
