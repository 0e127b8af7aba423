//! `muster template`: an empty list to fill in, with the columns of a pipeline, one example row,
//! and notes that say what is required and how values are written.
//!
//! Filled in, it imports with the same pipeline without any option.

use std::path::Path;

use rust_xlsxwriter::{DataValidation, Format, Workbook, Worksheet, XlsxError};

use super::corrections::{column_width, heading, note};
use super::csv::{Csv, Style};
use crate::definition::{DateOrder, Definition, MissingGroups, NameOrder, Onboarding, SheetChoice};
use crate::field::Field;
use crate::file::{atomically, unwritable};
use crate::refusal::Result;

/// The statuses that a row may give.
const STATUSES: [&str; 3] = ["active", "invited", "deactivated"];
/// The last row of a sheet that gets lists to choose from.
const LISTS_TO_ROW: u32 = 10_000;
/// The most rows above a header; more of them is not a table.
const ROWS_ABOVE_MAX: u64 = 1000;

/// A column of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its header: the pipeline's own word where it has one.
    pub header: String,
    /// Which field it fills; none for a custom attribute.
    pub field: Option<Field>,
    /// Whether no row may leave it empty.
    pub required: bool,
    /// What the example row has.
    pub example: String,
    /// How it is to be filled in.
    pub note: String,
}

/// The columns of a pipeline's template, in order.
pub fn columns(definition: &Definition) -> Vec<Column> {
    let mut columns = Vec::new();
    for field in Field::ALL
        .into_iter()
        .filter(|field| has(definition, *field))
    {
        let named = definition
            .columns
            .of(field)
            .map_or(&[][..], |headers| headers.as_slice());
        // Several headers are read together for groups; for other fields they are alternatives.
        let headers = match named {
            [] => vec![field.name().to_string()],
            all if field.lists_groups() => all.to_vec(),
            [first, ..] => vec![first.clone()],
        };
        for (index, header) in headers.into_iter().enumerate() {
            columns.push(Column {
                header,
                field: Some(field),
                required: is_required(definition, field),
                example: if index == 0 {
                    example(definition, field)
                } else {
                    String::new()
                },
                note: explain(definition, field),
            });
        }
    }
    for (name, headers) in &definition.attributes {
        columns.extend(headers.as_slice().first().map(|header| Column {
            header: header.clone(),
            field: None,
            required: false,
            example: String::new(),
            note: format!("kept with the person as `{name}`"),
        }));
    }
    columns
}

/// The template as CSV: header and example row.
pub fn csv(definition: &Definition) -> Vec<u8> {
    let columns = columns(definition);
    let delimiter = definition.read.delimiter.as_deref().unwrap_or(",");
    // It is to be read back, so that headers are exactly what the pipeline names.
    let mut csv = Csv::exact(Style {
        delimiter: delimiter.to_string(),
        ..Style::default()
    });
    // A pipeline that finds its header further down must find it there.
    let above = definition
        .read
        .header_row
        .map_or(0, |row| row.saturating_sub(1))
        .min(ROWS_ABOVE_MAX);
    let mut text = "\n".repeat(above as usize).into_bytes();
    let headers = columns.iter().map(|column| column.header.as_str());
    text.extend_from_slice(csv.line(headers));
    let examples = columns.iter().map(|column| column.example.as_str());
    text.extend_from_slice(csv.line(examples));
    text
}

/// What a CSV template can't hold itself: a line for every column.
pub fn notes(definition: &Definition) -> String {
    let columns = columns(definition);
    let width = columns
        .iter()
        .map(|column| column.header.chars().count())
        .max()
        .unwrap_or(0);
    columns
        .iter()
        .map(|column| format!("{:width$}  {}\n", column.header, full_note(column)))
        .collect()
}

/// The template as a workbook at `path`: one sheet, whose header cells have the notes. Columns
/// are text, so leading zeros stay; role and status have lists to choose from.
///
/// # Errors
/// `output.unwritable`.
pub fn xlsx(path: &Path, definition: &Definition) -> Result<()> {
    atomically(path, |file| {
        let mut workbook = Workbook::new();
        let failed = |error: XlsxError| unwritable(path, &error);
        sheet(workbook.add_worksheet(), definition).map_err(failed)?;
        workbook.save_to_writer(file.file()?).map_err(failed)
    })
}

fn sheet(worksheet: &mut Worksheet, definition: &Definition) -> std::result::Result<(), XlsxError> {
    // A pipeline that wants another sheet by name would refuse its own template.
    worksheet.set_name(match &definition.read.sheet {
        Some(SheetChoice::Name(name)) => name,
        Some(SheetChoice::Number(_)) | None => "People",
    })?;
    let top = definition
        .read
        .header_row
        .map_or(0, |row| row.saturating_sub(1))
        .min(ROWS_ABOVE_MAX) as u32;
    let text = Format::new().set_num_format("@");
    let bold = heading();
    worksheet.set_freeze_panes(top + 1, 0)?;
    for (index, column) in columns(definition).iter().enumerate() {
        let at = index as u16;
        worksheet.set_column_width(at, column_width(&column.header))?;
        worksheet.set_column_format(at, &text)?;
        worksheet.write_string_with_format(top, at, &column.header, &bold)?;
        worksheet.insert_note(top, at, &note(&full_note(column)))?;
        if !column.example.is_empty() {
            worksheet.write_string_with_format(top + 1, at, &column.example, &text)?;
        }
        let words: Vec<&str> = match column.field {
            Some(Field::Role) if !definition.accounts.several_roles => definition
                .accounts
                .roles
                .iter()
                .map(String::as_str)
                .collect(),
            Some(Field::Status) => STATUSES.to_vec(),
            _ => continue,
        };
        // Excel holds no longer lists; the note has all the words then.
        if let Ok(list) = DataValidation::new().allow_list_strings(&words) {
            worksheet.add_data_validation(top + 1, at, top + LISTS_TO_ROW, at, &list)?;
        }
    }
    Ok(())
}

/// Whether the template has a column for the field: those that the pipeline names or requires,
/// and of the others all that don't say the same as one of those.
fn has(definition: &Definition, field: Field) -> bool {
    let named = |field: Field| definition.columns.of(field).is_some();
    if named(field) {
        return true;
    }
    let full_name_instead =
        named(Field::FullName) && !named(Field::FirstName) && !named(Field::LastName);
    match field {
        Field::FullName => is_required(definition, field),
        Field::DisplayName
        | Field::AddGroups
        | Field::RemoveGroups
        | Field::OtherRoles
        | Field::Sessions => is_required(definition, field),
        Field::FirstName | Field::LastName => !full_name_instead,
        _ => true,
    }
}

fn is_required(definition: &Definition, field: Field) -> bool {
    let listed = definition
        .require
        .fields
        .iter()
        .any(|name| name == field.name());
    match field {
        Field::Email => listed && !definition.require.email_or_username,
        // A full name has both parts.
        Field::FullName => {
            let both = ["first_name", "last_name"];
            let parts = both
                .iter()
                .all(|part| definition.require.fields.iter().any(|name| name == part));
            listed
                || (parts
                    && definition.columns.full_name.is_some()
                    && definition.columns.first_name.is_none())
        }
        _ => listed,
    }
}

fn full_note(column: &Column) -> String {
    if column.required {
        format!("required; {}", column.note)
    } else {
        column.note.clone()
    }
}

fn example(definition: &Definition, field: Field) -> String {
    match field {
        Field::ExternalId => "EXAMPLE-1".to_string(),
        Field::Email => "example.person@example.org".to_string(),
        Field::Username => "example.person".to_string(),
        Field::FirstName => "Example".to_string(),
        Field::LastName => "Person".to_string(),
        Field::FullName => match definition.clean.name_order {
            NameOrder::FirstLast => "Example Person".to_string(),
            NameOrder::LastFirst => "Person Example".to_string(),
        },
        Field::DisplayName => "Example".to_string(),
        // Numbers of this kind are set aside for examples and belong to nobody.
        Field::Phone => "+1 202 555 0100".to_string(),
        Field::Country => "US".to_string(),
        Field::Language => "en".to_string(),
        Field::Organization => "Example Ltd".to_string(),
        Field::Groups => match definition.groups.missing {
            MissingGroups::Create => "Example group".to_string(),
            MissingGroups::Reject | MissingGroups::Hold => String::new(),
        },
        Field::AddGroups | Field::RemoveGroups | Field::OtherRoles => String::new(),
        Field::Role => definition.accounts.default_role.clone(),
        Field::Status => match definition.accounts.onboarding {
            Onboarding::Invite => "invited".to_string(),
            Onboarding::Setup => "active".to_string(),
        },
        Field::StartDate => "2026-01-31".to_string(),
        Field::EndDate | Field::Manager | Field::Sessions => String::new(),
    }
}

/// How a field is written, in a sentence.
fn explain(definition: &Definition, field: Field) -> String {
    let is_key = definition
        .matching
        .by
        .iter()
        .any(|name| name == field.name());
    let key = if is_key {
        "; finds the person's account when the list is imported again"
    } else {
        ""
    };
    match field {
        Field::ExternalId => {
            format!("the person's number or code in your own system, as text{key}")
        }
        Field::Email if definition.require.email_or_username => {
            format!(
                "one address, such as name@example.org; may be empty where there is a \
                username{key}"
            )
        }
        Field::Email => format!("one address, such as name@example.org{key}"),
        Field::Username => format!("without spaces{key}"),
        Field::FirstName | Field::LastName => "as the person writes it".to_string(),
        Field::FullName => match definition.clean.name_order {
            NameOrder::FirstLast => "first name, then last name; or `Last, First`".to_string(),
            NameOrder::LastFirst => "last name, then first name; or `Last, First`".to_string(),
        },
        Field::DisplayName => {
            "the name that others see, if it isn't first and last name".to_string()
        }
        Field::Phone => match &definition.clean.default_country {
            Some(country) => format!(
                "with country code, such as +49 30 123456; without one it counts as a number in \
                    {country}"
            ),
            None => "with country code, such as +49 30 123456".to_string(),
        },
        Field::Country => "ISO 3166 code such as DE, or the English name".to_string(),
        Field::Language => "language tag such as en or pt-BR".to_string(),
        Field::Organization => "company or organization".to_string(),
        Field::Groups => explain_groups(definition),
        Field::AddGroups => format!("groups to join; {}", explain_groups(definition)),
        Field::RemoveGroups => format!("groups to leave; {}", explain_groups(definition)),
        Field::OtherRoles => format!(
            "further roles, separated by `;`; any of {}",
            definition.accounts.roles.join(", ")
        ),
        Field::Role => explain_role(definition),
        Field::Status => match definition.accounts.onboarding {
            Onboarding::Invite => format!(
                "one of {}; new people are invited when it is empty",
                STATUSES.join(", ")
            ),
            Onboarding::Setup => format!(
                "one of {}; new people are active when it is empty",
                STATUSES.join(", ")
            ),
        },
        Field::StartDate | Field::EndDate => match definition.clean.date_order {
            DateOrder::Unknown => "such as 2026-01-31".to_string(),
            DateOrder::Dmy => "such as 2026-01-31 or 31/01/2026".to_string(),
            DateOrder::Mdy => "such as 2026-01-31 or 01/31/2026".to_string(),
        },
        Field::Manager => "e-mail address, username or number of the manager".to_string(),
        Field::Sessions => explain_sessions(definition),
    }
}

fn explain_role(definition: &Definition) -> String {
    match definition.accounts.roles.as_slice() {
        [only] => format!("`{only}`; also used when it is empty"),
        several if definition.accounts.several_roles => format!(
            "one or more of {}, the main one first; `{}` when empty",
            several.join(", "),
            definition.accounts.default_role
        ),
        several => format!(
            "one of {}; `{}` when empty",
            several.join(", "),
            definition.accounts.default_role
        ),
    }
}

fn explain_sessions(definition: &Definition) -> String {
    match definition.sessions.separators.first() {
        Some(separator) => {
            format!("names of sessions separated by `{separator}`; only sessions that exist")
        }
        None => "the name of a session that exists".to_string(),
    }
}

fn explain_groups(definition: &Definition) -> String {
    let groups = &definition.groups;
    let mut text = match groups.separators.first() {
        Some(separator) => format!(
            "group names separated by `{separator}`; `Sales{}EMEA` is a group inside a group",
            groups.nesting
        ),
        None => format!(
            "a group; `Sales{}EMEA` is a group inside a group",
            groups.nesting
        ),
    };
    if let Some(mark) = groups.role_mark {
        let roles = [&groups.default_role].into_iter().chain(&groups.roles);
        let roles: Vec<&str> = roles.map(String::as_str).collect();
        let path = format!("Sales{mark}{}", roles.last().unwrap_or(&""));
        text.push_str(&format!(
            "; `{path}` also gives the role in it, one of {}",
            roles.join(", ")
        ));
    }
    if groups.missing != MissingGroups::Create {
        text.push_str("; only groups that exist");
    }
    if groups.required {
        text.push_str("; everybody needs at least one");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition;
    use crate::header::Vocabulary;
    use crate::stages::read::Reader;
    use crate::stages::read::{Wanted, workbook};

    const PIPELINE: &str = r#"
        name = "staff"
        [read]
        sheet = "Staff list"
        header_row = 3
        [columns]
        email = ["Work e-mail", "Mail"]
        full_name = "Name"
        groups = ["Team", "Site"]
        [attributes]
        cost_center = "Cost, center"
        [require]
        fields = ["first_name", "last_name", "email", "external_id"]
        [accounts]
        roles = ["user", "editor"]
        [groups]
        missing = "reject"
    "#;

    #[test]
    fn a_template_has_the_words_of_its_pipeline() {
        let definition = definition::parse("staff.toml", PIPELINE)
            .unwrap()
            .definition;
        assert_eq!(
            String::from_utf8(csv(&definition)).unwrap(),
            "\n\nexternal_id,Work e-mail,username,Name,phone,country,language,organization,Team,Site,role,status,\
             start_date,end_date,manager,\"Cost, center\"\n\
             EXAMPLE-1,example.person@example.org,example.person,Example Person,+1 202 555 0100,US,en,Example Ltd,,,\
             user,invited,2026-01-31,,,\n"
        );
        let notes = notes(&definition);
        let line = |header: &str| notes.lines().find(|line| line.starts_with(header)).unwrap();
        assert_eq!(
            line("Name"),
            "Name          required; first name, then last name; or `Last, First`"
        );
        assert_eq!(
            line("role"),
            "role          one of user, editor; `user` when empty"
        );
        assert!(
            line("Team").ends_with("; only groups that exist"),
            "{notes}"
        );
        assert_eq!(
            line("Cost, center"),
            "Cost, center  kept with the person as `cost_center`"
        );
    }

    #[test]
    fn a_workbook_template_opens_with_its_own_pipeline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("template.xlsx");
        let staff = definition::parse("staff.toml", PIPELINE)
            .unwrap()
            .definition;
        for (definition, line) in [
            (crate::pipelines::open(None).unwrap().definition, 1),
            (staff, 3),
        ] {
            xlsx(&path, &definition).unwrap();
            let vocabulary = Vocabulary::new(&definition);
            let wanted = Wanted {
                definition: &definition,
                vocabulary: &vocabulary,
                reader: &Reader::default(),
            };
            let source = workbook::open(&path, &wanted).unwrap();
            let columns = columns(&definition);
            let headers: Vec<&str> = columns
                .iter()
                .map(|column| column.header.as_str())
                .collect();
            assert_eq!(
                (source.header_line, &source.header[..]),
                (
                    line,
                    &headers.iter().map(ToString::to_string).collect::<Vec<_>>()[..]
                )
            );
            assert_eq!(
                vocabulary.recognised(headers.iter().copied()),
                headers.len()
            );
            workbook::read(&source, 0, 0, &mut |cells| {
                assert_eq!((cells.len(), cells.issues.len()), (1, 0));
                let examples: Vec<&str> = columns
                    .iter()
                    .map(|column| column.example.as_str())
                    .collect();
                assert_eq!(cells.row(0).collect::<Vec<_>>(), examples);
                Ok(true)
            })
            .unwrap();
        }
    }
}
