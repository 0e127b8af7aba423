//! The overview: what needs attention, and the latest runs.

use maud::html;

use super::ask::{Answer, Ask, Page};
use crate::refusal::Result;

/// `/`.
pub fn page(ask: &mut Ask) -> Result<Answer> {
    let runs = ask.store.list_runs(5)?;
    let body = html! {
        section aria-labelledby="latest" {
            h2 id="latest" { (ask.t("Latest runs")) }
            @if runs.is_empty() {
                p { (ask.t("Nothing was imported yet.")) }
            } @else {
                table {
                    caption.hidden { (ask.t("Latest runs")) }
                    thead { tr { th scope="col" { (ask.t("Run")) } th scope="col" { (ask.t("Begun")) } th scope="col" { (ask.t("State")) } } }
                    tbody {
                        @for run in &runs {
                            tr {
                                th scope="row" { a href={ "/runs/" (run.id) } { (run.id) } }
                                td { (ask.time(&run.started_at)) }
                                td { (run.state) }
                            }
                        }
                    }
                }
            }
        }
    };
    Ok(Page::new("/", ask.t("Overview"), body).into())
}

/// `/values`: shows values in full, or masks them again.
pub fn show_values(ask: &mut Ask) -> Result<Answer> {
    ask.session.shows_values = !ask.session.shows_values;
    ask.store.set_console_session(&ask.session)?;
    Ok(Answer::See(own_path(ask.form.get("to"))))
}

/// `path` if it leads to this console, else the overview.
pub fn own_path(path: &str) -> String {
    let is_own =
        path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\n', '\r']);
    if is_own {
        path.to_string()
    } else {
        "/".to_string()
    }
}
