//! `/mails`: the texts of all mails, as they are and as they can be edited.

pub(super) mod edit;

use std::path::Path;

use maud::html;

use super::ask::{Answer, Ask, Page};
use super::page::{command, visible};
use super::people::parts::{kind_name, query_of};
use crate::definition::Mail;
use crate::invitation::Kind;
use crate::issue::Code;
use crate::notify::template::{Edited, Templates};
use crate::pipelines::{self, own_names};
use crate::refusal::{Refusal, Result};

/// The settings of the pipeline that is asked for: one of the folder `pipelines`, or the default. No other
/// file is opened by what a browser sends.
///
/// # Errors
/// `pipeline.not_found` for another name, and what opening it fails with.
pub(super) fn mail_of(name: &str) -> Result<Mail> {
    let named = Some(name).filter(|name| !name.is_empty());
    if let Some(name) = named
        && !own_names().iter().any(|own| own == name)
    {
        let what = "there is no such pipeline in the folder `pipelines`";
        return Err(Refusal::new(Code::PipelineNotFound, what));
    }
    Ok(pipelines::open(named)?.definition.mail)
}

/// The file of a template is in the folder of edited ones.
pub(super) fn is_edited(mail: &Mail, kind: Kind, language: &str) -> bool {
    let edited = Edited {
        kind,
        language: language.to_string(),
        texts: Default::default(),
    };
    let folder = mail.templates.as_deref();
    folder.is_some_and(|folder| edited.is_in(Path::new(folder)))
}

/// `/mails`.
pub(super) fn page(ask: &mut Ask) -> Result<Answer> {
    let name = ask.query.get("pipeline");
    let mail = mail_of(name)?;
    let templates = Templates::open(&mail)?;
    let pipelines = super::people::parts::same(own_names());
    let body = html! {
        section aria-labelledby="pipeline-head" {
            h2 #pipeline-head { (ask.t("Whose mails")) }
            form.row method="get" action="/mails" {
                (super::people::parts::choice("pipeline", ask.t("Pipeline"), Some(ask.t("default")), &pipelines, name))
                button.second { (ask.t("Show")) }
            }
            dl.facts {
                div { dt { (ask.t("Product")) } dd { (visible(&mail.product)) } }
                div { dt { (ask.t("Sender")) } dd { (visible(mail.from.as_deref().unwrap_or(ask.t("not set")))) } }
                div { dt { (ask.t("Contact")) } dd { (visible(mail.contact.as_deref().unwrap_or(ask.t("not set")))) } }
                div { dt { (ask.t("Language")) } dd { (visible(&mail.language)) } }
                div { dt { (ask.t("Folder of edited texts")) } dd { (visible(mail.templates.as_deref().unwrap_or(ask.t("none")))) } }
            }
            @if mail.templates.is_none() {
                div.note { p { (ask.t("To edit the texts, set `templates` under `[mail]` in the pipeline to a folder. Until then, you can try changes here, but not keep them.")) } }
            }
        }
        section aria-labelledby="list" {
            h2 #list { (ask.t("The mails")) }
            div.scroll { table {
                caption { (ask.t("Open a language to see and edit its text")) }
                thead { tr { th scope="col" { (ask.t("Mail")) } th scope="col" { (ask.t("Languages")) } } }
                tbody { @for kind in Kind::ALL { tr {
                    th scope="row" { (kind_name(ask, kind.name())) }
                    td { @for language in templates.languages(kind) {
                        a href={ "/mails/" (kind.name()) "?" (query_of(&[("language", language), ("pipeline", name)])) } { (visible(language)) }
                        @if is_edited(&mail, kind, language) { " " span.badge.note { (ask.t("edited")) } }
                        " "
                    } }
                } } }
            } }
            (command(ask, "muster templates export"))
        }
    };
    Ok(Page::new("/mails", ask.t("Mails"), body).into())
}
