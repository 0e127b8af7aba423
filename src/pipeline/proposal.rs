//! What the columns of a file would become, as a document that another program can read.

use serde::{Deserialize, Serialize};

use crate::stages::propose::{Becomes, Column, Proposal};
use crate::stages::read::{Format, Source};

/// How many values of a column are shown.
pub const SHOWN_MAX: usize = 3;

/// What `muster map --json` prints.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Line or sheet row of the header; 0 where there is none.
    pub header_line: u64,
    /// How many rows were examined.
    pub rows: u64,
    /// The sheet that is read, of a workbook.
    pub sheet: Option<String>,
    /// All sheets of a workbook.
    pub sheets: Vec<String>,
    /// The pipeline that it is read with.
    pub pipeline: String,
    /// Why that pipeline, where it was recognized by the file's columns.
    pub recognized: Option<String>,
    /// Whether columns were also judged by their values, which a run never does.
    pub guessed: bool,
    /// Column by column.
    pub columns: Vec<ShownColumn>,
    /// What has to be answered first.
    pub questions: Vec<ShownQuestion>,
    /// Required fields that no column is for.
    pub missing: Vec<String>,
}

/// A column and what it would become.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShownColumn {
    /// Its header, as the file shows it.
    pub header: String,
    /// What it becomes, as [`Becomes::word`] says it.
    pub becomes: String,
    /// Where that is `ask`: the fields that it could be.
    pub could_be: Vec<String>,
    /// `certain`, `likely` or `asked`.
    pub certainty: String,
    /// Why, in a few plain words.
    pub why: String,
    /// Some of its values; what may be personal is masked, if not asked otherwise.
    pub values: Vec<String>,
}

/// Something that only a person can answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShownQuestion {
    /// What kind of question.
    pub code: String,
    /// What was found.
    pub what: String,
    /// How to answer it.
    pub help: String,
}

impl Document {
    /// The proposal for a file; `values` has what is shown of each column.
    pub fn new(
        source: &Source,
        rows: usize,
        proposal: &Proposal,
        values: &[Vec<String>],
    ) -> Document {
        let (sheet, sheets) = match &source.format {
            Format::Workbook { sheet, book, .. } => {
                let names = book.sheets.iter().map(|sheet| sheet.name.clone());
                let names: Vec<String> = names.collect();
                (names.get(*sheet).cloned(), names)
            }
            _ => (None, Vec::new()),
        };
        let columns = proposal.columns.iter().zip(values);
        let questions = proposal.questions.iter().map(|question| ShownQuestion {
            code: question.code.name().to_string(),
            what: question.what.clone(),
            help: question.help.clone(),
        });
        Document {
            header_line: source.header_line,
            rows: rows as u64,
            sheet,
            sheets,
            columns: columns
                .map(|(column, values)| shown(column, values))
                .collect(),
            questions: questions.collect(),
            missing: proposal.missing.clone(),
            ..Document::default()
        }
    }
}

fn shown(column: &Column, values: &[String]) -> ShownColumn {
    let could_be = match &column.becomes {
        Becomes::Asked(fields) => fields
            .iter()
            .map(|field| field.name().to_string())
            .collect(),
        _ => Vec::new(),
    };
    ShownColumn {
        header: column.header.clone(),
        becomes: column.becomes.word().to_string(),
        could_be,
        certainty: column.certainty.name().to_string(),
        why: column.why.clone(),
        values: values.to_vec(),
    }
}
