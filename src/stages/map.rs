//! map: which column of a file is which slot of the run. Decided once per file from its header;
//! applied row by row as a view, without copying a cell.

use crate::meaning::mapping::Flag;
use crate::meaning::mapping::Mapping;
use crate::meaning::mapping::NamePartColumn;
use crate::meaning::mapping::Target;

use crate::definition::{Definition, MissingColumns, UnknownColumns, nearest};
use crate::field::{Field, NamePart};
use crate::header::{Head, Vocabulary, fields, is_ignored, is_own, name_part, sense};
use crate::issue::Code;
use crate::refusal::{Refusal, Result};
use crate::row::{Layout, Slot};
use crate::summary::Unmapped;
use crate::text::key;

/// What the column of password hashes is called, in pipelines and in messages.
pub const PASSWORD_HASH: &str = "password_hash";

/// The columns of a file that are flags.
pub fn flags(header: &[String], targets: &[Target], definition: &Definition) -> Vec<Flag> {
    let columns = header.iter().zip(targets).enumerate();
    let is_status = |target: &Target| *target == Target::Slot(Slot::Field(Field::Status));
    columns
        .filter(|(_, (_, target))| is_status(target))
        .filter_map(|(column, (name, _))| {
            Some(Flag {
                column: column as u16,
                sense: sense(name)?,
                is_named: definition.columns.status.is_some(),
            })
        })
        .collect()
}

/// Decides for every column of `source` what it becomes.
///
/// # Errors
/// `map.doubled`, `map.unknown`, `map.not_found`, `map.missing`; each names file, line and column.
pub fn targets(
    source: &Head,
    vocabulary: &Vocabulary,
    definition: &Definition,
) -> Result<Vec<Target>> {
    let fields = fields(source.header, vocabulary, definition);
    let has = |field: Field| fields.iter().flatten().any(|found| found.field == field);
    let mut targets: Vec<Target> = Vec::with_capacity(source.header.len());
    for (column, (header, found)) in source.header.iter().zip(&fields).enumerate() {
        let shown = header.trim();
        let part = name_part(shown, vocabulary, definition);
        let target = match (found, part) {
            (Some(found), _) => Target::Slot(Slot::Field(found.field)),
            (None, Some((part, true))) if has(part.field()) => Target::NamePart(part),
            (None, Some((part, false))) if has(part.field()) => {
                Target::NamePartKept(part, shown.to_string())
            }
            _ => target(header, column, source, vocabulary, definition)?,
        };
        let target = match target {
            // Each still tells rows apart by itself.
            Target::Slot(Slot::Ignored(name)) if targets.contains(&ignored(&name)) => {
                ignored(&format!("{name} (column {})", column + 1))
            }
            target => target,
        };
        let is_double = |earlier: usize| {
            targets[earlier] == target
                && match target {
                    Target::NamePart(_) => key(&source.header[earlier]) == key(header),
                    _ => {
                        doubles(&target, definition)
                            && !is_flag(header, &target)
                            && !is_flag(&source.header[earlier], &target)
                    }
                }
        };
        if let Some(earlier) = (0..column).find(|earlier| is_double(*earlier)) {
            return Err(doubled(source, earlier, column, &target));
        }
        targets.push(target);
    }
    if !source.is_export() {
        check_named(source, &targets, definition)?;
        check_required(source, &targets, definition)?;
    }
    Ok(targets)
}

/// Whether it is one of the status columns that are next to others, each in its own sense.
fn is_flag(header: &str, target: &Target) -> bool {
    *target == Target::Slot(Slot::Field(Field::Status)) && sense(header).is_some()
}

fn ignored(name: &str) -> Target {
    Target::Slot(Slot::Ignored(name.to_string()))
}

/// Whether two columns of that target are one too many.
fn doubles(target: &Target, definition: &Definition) -> bool {
    match target {
        Target::Slot(Slot::Field(Field::Status)) => definition.columns.status.is_none(),
        Target::Slot(Slot::Field(field)) => !field.lists_groups(),
        // What is left out may be there as often as it likes.
        Target::Slot(Slot::Ignored(_)) => false,
        Target::Slot(_) | Target::PasswordHash => true,
        Target::NamePart(_) | Target::NamePartKept(..) => true,
        Target::Password | Target::Own => false,
    }
}

/// What a column becomes that is not a field.
fn target(
    header: &str,
    column: usize,
    source: &Head,
    vocabulary: &Vocabulary,
    definition: &Definition,
) -> Result<Target> {
    let shown = header.trim();
    if shown.is_empty() {
        return Ok(Target::Slot(Slot::Ignored(format!(
            "column {}",
            column + 1
        ))));
    }
    if is_own(shown) {
        return Ok(Target::Own);
    }
    if vocabulary.is_password_hash(shown) {
        return Ok(Target::PasswordHash);
    }
    if let Some(name) = vocabulary.attribute(shown) {
        return Ok(Target::Slot(Slot::Attribute(name.to_string())));
    }
    if vocabulary.is_password(shown) {
        return Ok(Target::Password);
    }
    let ignored = || Ok(Target::Slot(Slot::Ignored(shown.to_string())));
    if is_ignored(shown, definition) {
        return ignored();
    }
    match definition.columns.unknown {
        UnknownColumns::Attribute => Ok(Target::Slot(Slot::Attribute(shown.to_string()))),
        UnknownColumns::Ignore => ignored(),
        UnknownColumns::Refuse => Err(Refusal::new(
            Code::MapUnknown,
            format!(
                "{}: the column `{shown}` matches no known field",
                at(source, column)
            ),
        )),
    }
}

fn at(source: &Head, column: usize) -> String {
    format!("{}, column {}", source.header_place(), column + 1)
}

fn doubled(source: &Head, earlier: usize, column: usize, target: &Target) -> Refusal {
    let name = match target {
        Target::Slot(slot) => slot.name(),
        Target::NamePart(part) => part.name(),
        Target::NamePartKept(_, name) => name,
        Target::PasswordHash => PASSWORD_HASH,
        Target::Password | Target::Own => "",
    };
    Refusal::new(
        Code::MapDoubled,
        format!(
            "{}: `{}` and `{}` (column {}) are both `{name}`",
            at(source, column),
            source.header[column].trim(),
            source.header[earlier].trim(),
            earlier + 1
        ),
    )
    .help(match target {
        // A pipeline can tell headers apart by their spelling, but not two that are the same.
        Target::Slot(Slot::Field(field))
            if source.header[column].trim() != source.header[earlier].trim() =>
        {
            format!(
                "name the one to use: `[columns]` `{} = \"{}\"`",
                field.name(),
                source.header[earlier].trim()
            )
        }
        _ => "remove or rename one of the two columns".to_string(),
    })
}

/// Every header that the pipeline names for a field or an attribute must be there, or one of
/// several.
fn check_named(source: &Head, targets: &[Target], definition: &Definition) -> Result<()> {
    if definition.columns.missing == MissingColumns::Accept {
        return Ok(());
    }
    let slot = |slot: Slot| (slot.name().to_string(), Target::Slot(slot));
    let fields = Field::ALL
        .iter()
        .filter_map(|field| Some((slot(Slot::Field(*field)), definition.columns.of(*field)?)));
    let attributes = definition
        .attributes
        .iter()
        .map(|(name, headers)| (slot(Slot::Attribute(name.clone())), headers));
    let passwords = definition.columns.password_hash.iter();
    let passwords =
        passwords.map(|headers| ((PASSWORD_HASH.to_string(), Target::PasswordHash), headers));
    let parts = NamePart::ALL.into_iter().filter_map(|part| {
        let target = (part.name().to_string(), Target::NamePart(part));
        Some((target, definition.columns.of_part(part)?))
    });
    let all = fields.chain(parts).chain(attributes).chain(passwords);
    let absent: Vec<(String, &[String])> = all
        .filter(|((_, target), _)| !targets.contains(target))
        .map(|((name, _), headers)| (name, headers.as_slice()))
        .collect();
    if absent.is_empty() {
        return Ok(());
    }
    let reported: Vec<String> = absent
        .iter()
        .map(|(name, named)| {
            let words: Vec<String> = named.iter().map(|header| format!("`{header}`")).collect();
            format!(
                "there is no column {}, which the pipeline maps to `{name}`",
                words.join(" or ")
            )
        })
        .collect();
    let refusal = Refusal::new(
        Code::MapNotFound,
        format!(
            "{} has {}; it has {}",
            source.header_place(),
            reported.join("; and "),
            headers_of(source, targets)
        ),
    );
    let near = absent.iter().find_map(|(_, named)| {
        let header = source.header.iter().map(String::as_str);
        nearest(named.first()?, header)
    });
    Err(match near {
        Some(near) => refusal.help(format!("is it `{near}`? then name that under `[columns]`")),
        None => refusal,
    })
}

fn check_required(source: &Head, targets: &[Target], definition: &Definition) -> Result<()> {
    let has = |field: Field| targets.contains(&Target::Slot(Slot::Field(field)));
    let missing = definition.missing_fields(&has);
    let quoted = |shown: &dyn Fn(&String) -> String| {
        let words: Vec<String> = missing.iter().map(shown).collect();
        in_words(&words, "or")
    };
    let (names, lines) = (
        quoted(&|name| format!("`{name}`")),
        quoted(&|name| format!("`{name} = \"…\"`")),
    );
    let (columns, ones) = match missing.as_slice() {
        [] => return Ok(()),
        [_] => ("the column", "the one that holds it"),
        _ => ("the columns", "the ones that hold them"),
    };
    Err(Refusal::new(
        Code::MapMissing,
        format!(
            "{} has no column for {names}; it has {}",
            source.header_place(),
            headers_of(source, targets)
        ),
    )
    .help(format!(
        "add {columns}, or name {ones}: `[columns]` {lines}, which `muster map` proposes; if the \
         header is on another line, set `[read]` `header_row`"
    )))
}

/// Words as a sentence lists them.
fn in_words(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

fn headers_of(source: &Head, targets: &[Target]) -> String {
    // Where no header is known, this may be a row of people, whose data belong in no message.
    let known = |target: &Target| matches!(target, Target::Slot(Slot::Field(_)));
    if !targets.iter().any(known) {
        return format!("{} columns, none with a known name", source.header.len());
    }
    const SHOWN_MAX: usize = 20;
    let mut words: Vec<String> = source
        .header
        .iter()
        .take(SHOWN_MAX)
        .map(|header| format!("`{}`", header.trim().chars().take(40).collect::<String>()))
        .collect();
    if source.header.len() > SHOWN_MAX {
        words.push(format!("and {} more", source.header.len() - SHOWN_MAX));
    }
    words.join(", ")
}

/// The layout of a run over files with these targets. A full name brings the two names that it
/// is split into, and a role the other roles, where its cells may list several.
pub fn layout(files: &[Vec<Target>], definition: &Definition) -> Layout {
    let mut slots: Vec<Slot> = files.iter().flatten().filter_map(Target::slot).collect();
    if slots.contains(&Slot::Field(Field::FullName)) {
        slots.extend([Slot::Field(Field::FirstName), Slot::Field(Field::LastName)]);
    }
    if definition.accounts.several_roles && slots.contains(&Slot::Field(Field::Role)) {
        slots.push(Slot::Field(Field::OtherRoles));
    }
    Layout::new(slots)
}

/// How the columns of one file fill the run's layout.
pub fn mapping(targets: &[Target], layout: &Layout, definition: &Definition) -> Mapping {
    let mut columns = vec![Vec::new(); layout.width()];
    let mut name_parts = Vec::new();
    for (column, target) in targets.iter().enumerate() {
        let column = column as u16;
        if let Some(position) = target.slot().and_then(|slot| layout.position(&slot)) {
            columns[position].push(column);
        }
        if let Target::NamePart(part) | Target::NamePartKept(part, _) = target {
            let is_sure = matches!(target, Target::NamePart(_));
            name_parts.push(NamePartColumn {
                part: *part,
                is_sure,
                column,
            });
        }
    }
    let password_hash = targets.iter().position(|to| *to == Target::PasswordHash);
    Mapping {
        columns,
        password_hash: password_hash.map(|column| column as u16),
        width: targets.len(),
        separator: definition.groups.separators.first().copied().unwrap_or(';'),
        date_order_found: None,
        said: None,
        account: None,
        flags: Vec::new(),
        name_parts,
        unmapped: Unmapped::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition;
    use crate::header::Sense;

    fn mapped(toml: &str, header: &[&str]) -> Result<Vec<Target>> {
        let definition = definition::parse("p", &format!("name = \"p\"\n{toml}"))?.definition;
        let names: Vec<String> = header.iter().map(ToString::to_string).collect();
        let head = Head {
            path: "people.csv".as_ref(),
            line: 1,
            header: &names,
        };
        targets(&head, &Vocabulary::new(&definition), &definition)
    }

    #[test]
    fn columns_become_fields_attributes_or_nothing() {
        let field = |field| Target::Slot(Slot::Field(field));
        let header = [
            "E-Mail",
            "Vorname",
            "Last name",
            "Team",
            "Group 2",
            "Cost centre",
            "password",
            "muster_line",
            "",
        ];
        assert_eq!(
            mapped("", &header).unwrap(),
            [
                field(Field::Email),
                field(Field::FirstName),
                field(Field::LastName),
                field(Field::Groups),
                field(Field::Groups),
                Target::Slot(Slot::Attribute("Cost centre".into())),
                Target::Password,
                Target::Own,
                Target::Slot(Slot::Ignored("column 9".into())),
            ]
        );
    }

    #[test]
    fn columns_that_close_are_the_status_beside_others_unless_the_pipeline_says_otherwise() {
        let status = Target::Slot(Slot::Field(Field::Status));
        let names = ["email", "first name", "last name"];
        let header = [
            &names[..],
            &["Status", "Gesperrt", "Deleted at", "user.active"],
        ]
        .concat();
        let of = |toml: &str, header: &[&str]| mapped(toml, header).unwrap()[3..].to_vec();
        assert_eq!(of("", &header), vec![status.clone(); 4]);
        let is_status = |toml: &str| -> Vec<bool> {
            let targets = of(toml, &header).into_iter();
            targets.map(|target| target == status).collect()
        };
        let t = true;
        assert_eq!(
            is_status("[columns]\nstatus = \"Gesperrt\""),
            [false, t, false, false]
        );
        assert_eq!(
            is_status("[columns]\nignore = [\"Gesperrt\"]"),
            [t, false, t, t]
        );
        assert_eq!(
            is_status("[attributes]\ngone = \"Deleted at\""),
            [t, t, false, t]
        );
        assert_eq!(is_status("[columns]\nunknown = \"ignore\""), [t; 4]);
        let doubled = [&names[..], &["Status", "Active", "Kontostatus"]].concat();
        assert_eq!(mapped("", &doubled).unwrap_err().code, Code::MapDoubled);

        let definition = definition::parse("p", "name = \"p\"").unwrap().definition;
        let header: Vec<String> = header.iter().map(ToString::to_string).collect();
        let targets = mapped("", &header.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        let flags = flags(&header, &targets, &definition);
        let columns: Vec<(u16, Sense)> = flags.iter().map(|f| (f.column, f.sense)).collect();
        assert_eq!(
            columns,
            [(4, Sense::Closed), (5, Sense::ClosedOn), (6, Sense::Open)]
        );
    }

    #[test]
    fn what_is_missing_doubled_or_unknown_is_named() {
        let names = ["first name", "last name"];
        let with = |more: &[&'static str]| [&names[..], more].concat();
        for (toml, header, code, words) in [
            (
                "",
                with(&[]),
                Code::MapMissing,
                "no column for `email`; it has `first name`, `last name`",
            ),
            (
                "",
                with(&["email", "E-Mail"]),
                Code::MapDoubled,
                "`E-Mail` and `email` (column 3) are both `email`",
            ),
            (
                "",
                with(&["email", "Badge", "Badge"]),
                Code::MapDoubled,
                "are both `Badge`",
            ),
            (
                "[columns]\nunknown = \"refuse\"",
                with(&["email", "Badge"]),
                Code::MapUnknown,
                "`Badge`",
            ),
            (
                "[columns]\nphone = \"Mobil\"",
                with(&["email", "Mobile"]),
                Code::MapNotFound,
                "no column `Mobil`",
            ),
        ] {
            let refusal = mapped(toml, &header).unwrap_err();
            assert_eq!(refusal.code, code);
            assert!(refusal.what.contains(words), "{}", refusal.what);
        }
        let people = mapped("[require]\nemail_or_username = true", &with(&["login"]));
        assert!(people.is_ok());
    }
}
