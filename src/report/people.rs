//! `muster people export`: accounts in the importer's own columns, as CSV or as a workbook.
//!
//! The first column names the account of each row. By that column muster recognizes its own file: it takes
//! the guards against formulas off again, and reads the file as it was written here, whatever the pipeline
//! says about files from elsewhere.

use std::path::Path;

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::corrections::{CELL_CHARS_MAX, SHEET_ROWS_MAX, column_width, heading};
use super::csv::{Csv, Style};
use super::template;
use crate::account::{AccountRecord, COLUMNS};
use crate::definition::Definition;
use crate::field::Field;
use crate::file::{Pending, unwritable};
use crate::header::{ACCOUNT, Head, Vocabulary};
use crate::meaning::group;
use crate::meaning::mapping::Target;
use crate::meaning::words::ROLE_SEPARATOR;
use crate::refusal::Result;
use crate::row::Slot;
use crate::stages::map;
use crate::stages::validate::GROUPS_CHARS_MAX;

/// A column of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its header: the pipeline's own word where it has one.
    pub header: String,
    /// What it holds; none for the account's id.
    pub slot: Option<Slot>,
}

/// The columns of an export, and the names of attributes that an import would take for something else.
///
/// They are those of the pipeline's template as far as accounts hold them, then what `has_values` says
/// that accounts hold besides, then the other attributes.
///
/// # Errors
/// What `has_values` fails with.
pub fn columns(
    definition: &Definition,
    attributes: &[String],
    has_values: &dyn Fn(Field) -> Result<bool>,
) -> Result<(Vec<Column>, Vec<String>)> {
    let mut wanted: Vec<(String, Slot)> = Vec::new();
    let mut add = |header: String, slot: Slot| {
        if !wanted.iter().any(|(_, known)| *known == slot) {
            wanted.push((header, slot));
        }
    };
    for column in template::columns(definition) {
        let holds = |field: &Field| COLUMNS.contains(field) || *field == Field::Groups;
        if let Some(field) = column.field.filter(holds) {
            add(column.header, Slot::Field(field));
        }
    }
    for field in [Field::FirstName, Field::LastName] {
        add(field.name().to_string(), Slot::Field(field));
    }
    for field in [Field::DisplayName, Field::OtherRoles] {
        let is_in_role = field == Field::OtherRoles && definition.accounts.several_roles;
        if !is_in_role && has_values(field)? {
            add(field.name().to_string(), Slot::Field(field));
        }
    }
    for (name, headers) in &definition.attributes {
        let header = headers.as_slice().first().unwrap_or(name);
        add(header.clone(), Slot::Attribute(name.clone()));
    }
    for name in attributes {
        add(name.clone(), Slot::Attribute(name.clone()));
    }
    Ok(recognized(wanted, definition))
}

/// The columns that an import takes for what they are, or doesn't read; and the others' names.
fn recognized(wanted: Vec<(String, Slot)>, definition: &Definition) -> (Vec<Column>, Vec<String>) {
    let vocabulary = Vocabulary::new(definition);
    let mut headers = vec![ACCOUNT.to_string()];
    let mut columns = vec![Column {
        header: ACCOUNT.to_string(),
        slot: None,
    }];
    let mut left_out = Vec::new();
    for (header, slot) in wanted {
        headers.push(header.clone());
        let head = Head {
            path: Path::new(""),
            line: 1,
            header: &headers,
        };
        let targets = map::targets(&head, &vocabulary, definition);
        let fits = |targets: Vec<Target>| {
            let slots = columns.iter().map(|column: &Column| column.slot.as_ref());
            let all = slots.chain([Some(&slot)]);
            targets.iter().zip(all).all(|(target, slot)| match target {
                Target::Slot(Slot::Ignored(_)) | Target::Password | Target::Own => true,
                target => target.slot().as_ref() == slot,
            })
        };
        if targets.is_ok_and(fits) {
            columns.push(Column {
                header,
                slot: Some(slot),
            });
        } else {
            headers.pop();
            left_out.push(header);
        }
    }
    (columns, left_out)
}

/// Cells that were left empty, because no text of theirs would come back as what the account holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftEmpty {
    /// Attributes that aren't text, and values that are the pipeline's word for clearing one.
    pub values: u64,
    /// Lists of groups that the pipeline's notation can't hold.
    pub groups: u64,
}

/// The rows of an export.
pub struct Rows<'a> {
    /// The columns.
    pub columns: Vec<Column>,
    definition: &'a Definition,
    /// What was left empty so far.
    pub left_empty: LeftEmpty,
}

impl Rows<'_> {
    /// Rows of these columns.
    pub fn new(columns: Vec<Column>, definition: &Definition) -> Rows<'_> {
        Rows {
            columns,
            definition,
            left_empty: LeftEmpty::default(),
        }
    }

    /// The cells of an account.
    pub fn cells(&mut self, account: &AccountRecord) -> Vec<String> {
        let columns = std::mem::take(&mut self.columns);
        let cells = columns.iter().map(|column| match &column.slot {
            None => account.id.to_string(),
            Some(Slot::Field(Field::Groups)) => self.groups(account),
            Some(Slot::Field(Field::Role)) => self.role(account),
            Some(Slot::Field(field)) => self.value(account.value(*field).unwrap_or_default()),
            Some(Slot::Attribute(name) | Slot::Ignored(name)) => self.attribute(account, name),
        });
        let cells = cells.collect();
        self.columns = columns;
        cells
    }

    fn role(&self, account: &AccountRecord) -> String {
        let role = account.value(Field::Role).unwrap_or_default();
        match account.value(Field::OtherRoles) {
            Some(others) if self.definition.accounts.several_roles => {
                format!("{role}{ROLE_SEPARATOR}{others}")
            }
            _ => role.to_string(),
        }
    }

    /// The groups that the person is in by themselves: what came down from them comes again.
    fn groups(&mut self, account: &AccountRecord) -> String {
        let policy = &self.definition.groups;
        let mut listed = Vec::new();
        for membership in account.memberships.iter().filter(|one| !one.inherited) {
            let path = membership.path.as_str();
            match membership.roles.as_slice() {
                roles if !roles.is_empty() && policy.role_mark.is_some() => {
                    listed.extend(roles.iter().map(|role| (path, Some(role.as_str()))));
                }
                _ => listed.push((path, None)),
            }
        }
        let cell = group::cell(&listed, policy);
        let fits = |cell: &String| cell.chars().count() <= GROUPS_CHARS_MAX;
        cell.filter(fits).unwrap_or_else(|| {
            self.left_empty.groups += 1;
            String::new()
        })
    }

    fn attribute(&mut self, account: &AccountRecord, name: &str) -> String {
        match account.attributes.get(name) {
            None | Some(serde_json::Value::Null) => String::new(),
            Some(serde_json::Value::String(text)) => self.value(text),
            Some(_) => {
                self.left_empty.values += 1;
                String::new()
            }
        }
    }

    /// A text, unless it is the word that takes a value away.
    fn value(&mut self, text: &str) -> String {
        if !text.is_empty() && text == self.definition.update.clear {
            self.left_empty.values += 1;
            return String::new();
        }
        text.to_string()
    }
}

/// Makes the lines of an export as CSV. No cell is a formula.
pub fn csv() -> Csv {
    Csv::guarded(Style::default())
}

/// What Excel needs to see at the beginning of a file that is UTF-8.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A workbook that is being written, row by row: one sheet whose cells are text, so that leading zeros stay
/// and nothing is ever a formula.
pub struct ExportBook {
    pending: Pending,
    workbook: Workbook,
    text: Format,
    row: u32,
}

impl ExportBook {
    /// Begins the workbook `path`.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn create(path: &Path) -> Result<ExportBook> {
        let pending = Pending::create(path)?;
        let failed = |error: XlsxError| unwritable(path, &error);
        let mut workbook = Workbook::new();
        // Rows wait in a file, and personal data should wait nowhere else than its folder.
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        workbook
            .set_tempdir(folder.unwrap_or(Path::new(".")))
            .map_err(failed)?;
        let text = Format::new().set_num_format("@");
        workbook
            .add_worksheet_with_constant_memory()
            .map_err(failed)?;
        Ok(ExportBook {
            pending,
            workbook,
            text,
            row: 0,
        })
    }

    /// Writes the header.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn head(&mut self, columns: &[Column]) -> Result<()> {
        let worksheet = self.workbook.worksheet_from_index(0);
        worksheet
            .and_then(|worksheet| head(worksheet, columns, &self.text))
            .map_err(|error| unwritable(self.pending.path(), &error))
    }

    /// Adds a row.
    ///
    /// # Errors
    /// `output.unwritable`; also where a sheet has no room for it.
    pub fn add(&mut self, cells: &[String]) -> Result<()> {
        self.row += 1;
        let full = |what: String| {
            unwritable(self.pending.path(), &what).help("export CSV, which has no such limit")
        };
        if self.row >= SHEET_ROWS_MAX {
            return Err(full(format!(
                "a sheet can't have more than {SHEET_ROWS_MAX} rows"
            )));
        }
        let is_long = |cell: &&String| cell.encode_utf16().count() > CELL_CHARS_MAX;
        if cells.iter().any(|cell| is_long(&cell)) {
            let account = &cells[0];
            return Err(full(format!(
                "a cell of a sheet can't hold a value of account {account}, which has more than {CELL_CHARS_MAX} characters"
            )));
        }
        let failed = |error: XlsxError| unwritable(self.pending.path(), &error);
        let worksheet = self.workbook.worksheet_from_index(0).map_err(failed)?;
        for (column, cell) in cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| !cell.is_empty())
        {
            worksheet
                .write_string_with_format(self.row, column as u16, cell, &self.text)
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Puts the workbook into its place, unless there is a file of that name.
    ///
    /// # Errors
    /// `output.unwritable`.
    pub fn finish(mut self) -> Result<()> {
        let saved = self.workbook.save_to_writer(self.pending.file()?);
        saved.map_err(|error| unwritable(self.pending.path(), &error))?;
        self.pending.commit_new()
    }
}

fn head(
    worksheet: &mut Worksheet,
    columns: &[Column],
    text: &Format,
) -> std::result::Result<(), XlsxError> {
    worksheet.set_name("People")?;
    worksheet.set_freeze_panes(1, 0)?;
    let bold = heading();
    for (index, column) in columns.iter().enumerate() {
        let at = index as u16;
        worksheet.set_column_width(at, column_width(&column.header))?;
        worksheet.set_column_format(at, text)?;
        worksheet.write_string_with_format(0, at, &column.header, &bold)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::parse;

    #[test]
    fn columns_are_the_pipelines_and_what_an_import_would_mistake_is_left_out() {
        let toml = r#"
            name = "staff"
            [columns]
            email = ["Work e-mail", "Mail"]
            full_name = "Name"
            groups = ["Team", "Site"]
            unknown = "refuse"
            [attributes]
            size = "Shoe size"
        "#;
        let definition = parse("staff.toml", toml).unwrap().definition;
        let attributes = ["Phone number", "other", "size"].map(String::from);
        let has = |field| Ok(field == Field::DisplayName);
        let (columns, left_out) = columns(&definition, &attributes, &has).unwrap();
        let headers: Vec<&str> = columns
            .iter()
            .map(|column| column.header.as_str())
            .collect();
        assert_eq!(
            headers.join(","),
            "muster_account,external_id,Work e-mail,username,phone,country,language,organization,Team,role,\
            status,start_date,end_date,manager,first_name,last_name,display_name,Shoe size"
        );
        assert_eq!(left_out, ["Phone number", "other"]);
        let slots = columns.iter().map(|column| &column.slot);
        assert_eq!(slots.filter(|slot| slot.is_none()).count(), 1);
    }
}
