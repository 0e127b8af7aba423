//! The steps of an import, above each of its pages.

use maud::{Markup, html};

use super::ask::Ask;

/// The steps, with the one that the page is.
pub fn steps(ask: &Ask, here: usize) -> Markup {
    let names = ["File", "Columns", "Check", "Plan", "Import"];
    html! {
        ol.steps aria-label=(ask.t("Steps")) {
            @for (index, name) in names.into_iter().enumerate() {
                li.done[index < here] aria-current=[(index == here).then_some("step")] { (ask.t(name)) }
            }
        }
    }
}
