//! `/people/export`: the people of a list as CSV, which can be imported again.

use super::list::asked;
use super::parts::new_file;
use super::pipeline::definition;
use crate::console::ask::{Answer, Ask, Content, Download};
use crate::file::Pending;
use crate::refusal::Result;
use crate::report::people::{BYTE_ORDER_MARK, Rows, columns, csv};
use crate::store::audit::Act;

/// `/people/export`.
pub(crate) fn download(ask: &mut Ask) -> Result<Answer> {
    let definition = definition(ask.store)?;
    let choice = asked(&ask.query).choice(ask.store, &definition)?;
    let attributes = ask.store.attribute_names()?;
    let (columns, _) = columns(&definition, &attributes, &|field| {
        ask.store.has_values(field)
    })?;
    let path = new_file(ask, "csv")?;
    let mut csv = csv();
    let mut rows = Rows::new(columns, &definition);
    let mut pending = Pending::create(&path)?;
    pending.write(BYTE_ORDER_MARK.as_bytes())?;
    let names: Vec<String> = rows.columns.iter().map(|one| one.header.clone()).collect();
    pending.write(csv.names(names.iter().map(String::as_str)))?;
    let mut count = 0;
    ask.store.each_person(&choice, &[], None, &mut |account| {
        count += 1;
        let cells = rows.cells(&account);
        pending.write(csv.line(cells.iter().map(String::as_str)))
    })?;
    pending.commit_new()?;
    ask.acts("people export", "muster people export");
    ask.store.audit(&Act::default().count("people", count))?;
    Ok(Answer::File(Download {
        name: "people.csv".to_string(),
        media: "text/csv; charset=utf-8",
        content: Content::File(path),
    }))
}
