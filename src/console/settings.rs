//! Settings: one's own, the sessions, the administrators, and the addresses that are never mailed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use maud::{Markup, html};
use uuid::Uuid;

use super::ask::{Answer, Ask, Page};
use super::page::{command, form, prose, visible};
use crate::admin::Role;
use crate::issue::{Code, mask};
use crate::notify::token::{Token, sha256_of};
use crate::refusal::{Refusal, Result};
use crate::sending::mailer::check_settings;
use crate::store::admins::{Admin, NAME_CHARS_MAX, PasswordLink};
use crate::store::console::Open;
use crate::store::rules::SECOND_PERSON;
use crate::store::settings::MailSettings;
use crate::text::email;

const HERE: &str = "/settings";
/// How long a link works that sets a password.
const LINK_MINUTES: i32 = 24 * 60;
/// Addresses on the page of the suppression list.
const SUPPRESSED_SHOWN: usize = 200;

/// `/settings`.
pub(super) fn page(ask: &mut Ask) -> Result<Answer> {
    let all = ask.may(Role::Owner);
    let sessions = match (all, ask.session.admin) {
        (true, _) => ask.store.list_console_sessions(None)?,
        (false, Some(admin)) => ask.store.list_console_sessions(Some(admin))?,
        (false, None) => Vec::new(),
    };
    let body = html! {
        section aria-labelledby="own" {
            h2 id="own" { (ask.t("Language and time")) }
            (form(ask, HERE, own(ask)))
        }
        section aria-labelledby="sessions" {
            h2 id="sessions" { (ask.t("Signed-in browsers")) }
            p.small { (ask.t("A session ends after 30 minutes without a request, and after 12 hours.")) }
            (session_table(ask, &sessions))
        }
        @if all { (approvals(ask)?) }
        section aria-labelledby="more" {
            h2 id="more" { (ask.t("More")) }
            ul {
                @if all { li { a href="/settings/mails" { (ask.t("Sender and name in mails")) } } }
                @if all { li { a href="/settings/administrators" { (ask.t("Administrators and roles")) } } }
                @if ask.may(Role::Operator) { li { a href="/settings/suppression" { (ask.t("Addresses that are never mailed")) } } }
                @if ask.may(Role::Approver) { li { a href="/audit" { (ask.t("Audit: who did what")) } } }
                li { a href="/help" { (ask.t("Help")) } }
            }
        }
    };
    Ok(Page::new(HERE, ask.t("Settings"), body).into())
}

/// Whether what is held needs a second person.
fn approvals(ask: &Ask) -> Result<Markup> {
    let is_on = ask.store.rule(SECOND_PERSON)?;
    Ok(html! {
        section aria-labelledby="approvals" {
            h2 id="approvals" { (ask.t("Approvals")) }
            p { (ask.t("What safeguards hold of an import waits for an approver. You can ask for a second person: then who started the import can't approve what is held of it, in the console or on the command line.")) }
            (form(ask, "/settings/approvals", html! {
                div { label.plain {
                    input type="checkbox" name="second" value="yes" checked[is_on];
                    (ask.t("What is held is approved by somebody else than who imported it"))
                } }
                div { button { (ask.t("Keep")) } }
            }))
        }
    })
}

/// `/settings/approvals`.
pub(super) fn set_approvals(ask: &mut Ask) -> Result<Answer> {
    let is_on = ask.form.get("second") == "yes";
    ask.acts("change approvals", "");
    let who = ask.who();
    ask.store.set_rule(SECOND_PERSON, is_on, &who)?;
    Ok(Answer::See(HERE.to_string()))
}

fn own(ask: &Ask) -> Markup {
    let languages = [
        ("", ask.t("As the browser asks for")),
        ("en", "English"),
        ("de", "Deutsch"),
    ];
    html! {
        div.field {
            label for="language" { (ask.t("Language")) }
            select id="language" name="language" {
                @for (tag, name) in languages {
                    option value=(tag) selected[tag == ask.session.language] { (name) }
                }
            }
        }
        div.field {
            label for="zone" { (ask.t("Time zone")) }
            input id="zone" name="zone" type="text" list="zones" value=(ask.session.time_zone) placeholder="UTC" autocomplete="off" aria-describedby="about-zone";
            p.small id="about-zone" { (ask.t("Times are shown in it. Such as Europe/Paris; empty for UTC.")) }
            datalist id="zones" {
                @for zone in jiff::tz::db().available() { option value=(zone) {} }
            }
        }
        div { button { (ask.t("Keep")) } }
    }
}

/// `/settings`, sent: language and time zone, kept with the administrator.
pub(super) fn set_own(ask: &mut Ask) -> Result<Answer> {
    let language = match ask.form.get("language") {
        "de" => "de",
        "en" => "en",
        _ => "",
    };
    let zone = ask.form.get("zone").trim().to_string();
    if !zone.is_empty() && jiff::tz::TimeZone::get(&zone).is_err() {
        let what = format!("`{zone}` is not a time zone");
        return Err(Refusal::new(Code::UsageInvalid, what).help("choose one such as Europe/Paris"));
    }
    ask.session.language = language.to_string();
    ask.session.time_zone = zone;
    ask.store.keep_preferences(&ask.session)?;
    Ok(Answer::See(HERE.to_string()))
}

/// `/settings/mails`.
pub(super) fn mails(ask: &mut Ask) -> Result<Answer> {
    let settings = ask.store.mail_settings()?;
    Ok(mails_page(ask, &settings, None).into())
}

/// The form, with what is wrong about it.
fn mails_page(ask: &Ask, settings: &MailSettings, wrong: Option<&Refusal>) -> Page {
    const ABOUT: &str = "These hold for every mail whose pipeline doesn't say it: what a pipeline has under `[mail]` goes before them.";
    let fields = [
        (
            "from",
            "Sender",
            "Such as Acme People <people@acme.example>. Mails through a server need one.",
            &settings.from,
        ),
        (
            "reply_to",
            "Address for answers (optional)",
            "Where answers go, if not to the sender.",
            &settings.reply_to,
        ),
        (
            "product",
            "Name in mails (optional)",
            "What people are invited to, such as Acme Learning.",
            &settings.product,
        ),
    ];
    let body = html! {
        @if let Some(wrong) = wrong {
            div.problem role="alert" {
                p { strong { (prose(&wrong.what)) } }
                p { (prose(&wrong.help)) }
            }
        }
        section aria-labelledby="mails" {
            h2 id="mails" { (ask.t("Sender and name in mails")) }
            p { (prose(ask.t(ABOUT))) }
            (form(ask, "/settings/mails", html! {
                @for (name, label, about, value) in fields {
                    @let hint = format!("about-{name}");
                    div.field {
                        label for=(name) { (ask.t(label)) }
                        input id=(name) name=(name) type="text" value=(value) maxlength="300" autocomplete="off" aria-describedby=(hint);
                        p.small id=(hint) { (ask.t(about)) }
                    }
                }
                div { button { (ask.t("Keep")) } }
            }))
            (command(ask, "muster settings set NAME VALUE"))
        }
        p { a href=(HERE) { (ask.t("Back to the settings")) } " · " a href="/mails" { (ask.t("See the mails")) } }
    };
    let page = Page::new(HERE, ask.t("Sender and name in mails"), body);
    match wrong {
        Some(_) => page.refusing(),
        None => page,
    }
}

/// `/settings/mails`, sent.
pub(super) fn set_mails(ask: &mut Ask) -> Result<Answer> {
    let value = |name| ask.form.get(name).trim().to_string();
    let settings = MailSettings {
        from: value("from"),
        reply_to: value("reply_to"),
        product: value("product"),
    };
    if let Err(wrong) = check_settings(&settings) {
        return Ok(mails_page(ask, &settings, Some(&wrong)).into());
    }
    ask.acts("settings set", "muster settings set …");
    ask.store.set_mail_settings(&settings)?;
    Ok(Answer::See("/settings/mails".to_string()))
}

fn session_table(ask: &Ask, sessions: &[Open]) -> Markup {
    let name = |session: &Open| match session.name.as_str() {
        "" => html! { (ask.t("signed in on this machine")) },
        name => visible(name),
    };
    html! {
        @if sessions.is_empty() { p { (ask.t("Only this one.")) } } @else {
            div.scroll tabindex="0" role="group" aria-labelledby="sessions" { table.cards {
                caption.hidden { (ask.t("Signed-in browsers")) }
                thead { tr {
                    th scope="col" { (ask.t("Administrator")) }
                    th scope="col" { (ask.t("Signed in")) }
                    th scope="col" { (ask.t("Last seen")) }
                    th scope="col" { (ask.t("From")) }
                    th scope="col" { span.hidden { (ask.t("Actions")) } }
                } }
                tbody { @for session in sessions {
                    tr {
                        th scope="row" { (name(session)) @if session.id == ask.session.id { " " span.badge.note { (ask.t("this one")) } } }
                        td data-label=(ask.t("Signed in")) { (ask.time_of(session.created_at)) }
                        td data-label=(ask.t("Last seen")) { (ask.time_of(session.seen_at)) }
                        td data-label=(ask.t("From")) { (session.address) br; span.small { (visible(&session.agent)) } }
                        td { (form(ask, "/settings/sessions/end", html! {
                            input type="hidden" name="session" value=(session.id);
                            button.second aria-label=(ask.tf("End the session of {name} from {address}", &[("name", &session.name), ("address", &session.address)])) { (ask.t("End")) }
                        })) }
                    }
                } }
            } }
        }
    }
}

/// `/settings/sessions/end`.
pub(super) fn end_session(ask: &mut Ask) -> Result<Answer> {
    let id: Option<Uuid> = ask.form.get("session").parse().ok();
    let own = ask.store.list_console_sessions(ask.session.admin)?;
    let is_own = |open: &Open| Some(open.id) == id && open.admin == ask.session.admin;
    let may = ask.may(Role::Owner) || own.iter().any(is_own);
    let Some(id) = id.filter(|_| may) else {
        return Ok(Answer::Missing);
    };
    ask.acts("end session", "");
    ask.store.end_console_session(id)?;
    Ok(Answer::See(HERE.to_string()))
}

/// `/settings/administrators`.
pub(super) fn administrators(ask: &mut Ask) -> Result<Answer> {
    administrators_with(ask, None)
}

/// With the link that was just made, which is shown once.
fn administrators_with(ask: &mut Ask, made: Option<(&str, &Token)>) -> Result<Answer> {
    let admins = ask.store.list_admins()?;
    let body = html! {
        @if let Some((name, token)) = made {
            div.good role="status" {
                p { (ask.tf("{name} sets a password with this link, once, within 24 hours. It is shown only now; hand it over in person.", &[("name", &name)])) }
                @let link = format!("{}/password#{}", ask.origin, token.text());
                p { code { (link) } }
                p { button.second type="button" hidden data-copy=(link) { (ask.t("Copy the link")) } }
            }
        }
        section aria-labelledby="all" {
            h2 id="all" { (ask.t("Administrators")) }
            (admin_table(ask, &admins))
            (command(ask, "muster admins list"))
        }
        section aria-labelledby="add" {
            h2 id="add" { (ask.t("Add an administrator")) }
            (form(ask, "/settings/administrators", add_fields(ask)))
            (command(ask, "muster admins add NAME --role ROLE"))
        }
        section aria-labelledby="roles" {
            h2 id="roles" { (ask.t("What the roles may do")) }
            dl { @for role in Role::ALL { dt { (role.name()) } dd { (ask.t(about(role))) } } }
        }
    };
    Ok(Page::new(HERE, ask.t("Administrators"), body).into())
}

fn about(role: Role) -> &'static str {
    match role {
        Role::Reader => "Looks at runs, people and invitations; values are masked.",
        Role::Operator => {
            "Also uploads, checks, imports within the limits of safeguards, and invites."
        }
        Role::Approver => {
            "Also approves what safeguards held, undoes runs, deactivates people, and reads the audit."
        }
        Role::Owner => "Also manages administrators.",
    }
}

fn admin_table(ask: &Ask, admins: &[Admin]) -> Markup {
    html! {
        @if admins.is_empty() {
            p { (ask.t("There are none. On this machine, a link signs in; to let others in, add them here.")) }
        } @else {
            div.scroll tabindex="0" role="group" aria-labelledby="all" { table.cards {
                caption.hidden { (ask.t("Administrators")) }
                thead { tr {
                    th scope="col" { (ask.t("Name")) }
                    th scope="col" { (ask.t("Role")) }
                    th scope="col" { (ask.t("Password")) }
                    th scope="col" { (ask.t("Last seen")) }
                    th scope="col" { span.hidden { (ask.t("Actions")) } }
                } }
                tbody { @for admin in admins { (admin_line(ask, admin)) } }
            } }
        }
    }
}

fn admin_line(ask: &Ask, admin: &Admin) -> Markup {
    let id = html! { input type="hidden" name="admin" value=(admin.id); };
    let name = &admin.name;
    html! {
        tr {
            th scope="row" {
                (visible(name))
                @if let Some(email) = &admin.email { br; span.small { (visible(email)) } }
            }
            td { (form(ask, "/settings/administrators/role", html! {
                (id)
                div.row {
                    select name="role" aria-label=(ask.tf("Role of {name}", &[("name", name)])) {
                        @for role in Role::ALL { option selected[role == admin.role] { (role.name()) } }
                    }
                    button.second aria-label=(ask.tf("Change the role of {name}", &[("name", name)])) { (ask.t("Change")) }
                }
            })) }
            td data-label=(ask.t("Password")) { @if admin.has_password { (ask.t("set")) } @else { span.badge.warning { (ask.t("not set yet")) } } }
            td data-label=(ask.t("Last seen")) { @if let Some(seen) = admin.seen_at { (ask.time_of(seen)) } @else { "–" } }
            td {
                div.row {
                    (form(ask, "/settings/administrators/link", html! {
                        (id) button.second aria-label=(ask.tf("New link for {name}", &[("name", name)])) { (ask.t("New link")) }
                    }))
                    (form(ask, "/settings/administrators/remove", html! {
                        (id) button.danger aria-label=(ask.tf("Remove {name}", &[("name", name)])) { (ask.t("Remove")) }
                    }))
                }
            }
        }
    }
}

fn add_fields(ask: &Ask) -> Markup {
    html! {
        div.field {
            label for="name" { (ask.t("Name")) }
            input id="name" name="name" type="text" required maxlength=(NAME_CHARS_MAX) autocomplete="off" aria-describedby="about-name";
            p.small id="about-name" { (ask.t("They sign in with it.")) }
        }
        div.field {
            label for="email" { (ask.t("E-mail address (optional)")) }
            input id="email" name="email" type="email" autocomplete="off";
        }
        div.field {
            label for="role" { (ask.t("Role")) }
            select id="role" name="role" {
                @for role in Role::ALL { option { (role.name()) } }
            }
        }
        div { button { (ask.t("Add")) } }
    }
}

fn link(token: &Token) -> PasswordLink {
    PasswordLink {
        token_sha256: token.sha256(),
        minutes: LINK_MINUTES,
    }
}

fn sent_role(ask: &Ask) -> Result<Role> {
    let wanted = ask.form.get("role");
    Role::from_name(wanted)
        .ok_or_else(|| Refusal::new(Code::UsageInvalid, format!("`{wanted}` is not a role")))
}

/// Adds an administrator.
pub(super) fn add(ask: &mut Ask) -> Result<Answer> {
    let role = sent_role(ask)?;
    let name = ask.form.get("name").trim().to_string();
    let address = ask.form.get("email").trim().to_string();
    if !address.is_empty() && email::key(&address).is_none() {
        let what = format!("`{address}` is not an e-mail address");
        return Err(Refusal::new(Code::UsageInvalid, what));
    }
    let token = Token::new()?;
    let command = format!("muster admins add … --role {}", role.name());
    ask.acts("admins add", &command);
    let address = (!address.is_empty()).then_some(address.as_str());
    ask.store.add_admin(&name, address, role, &link(&token))?;
    administrators_with(ask, Some((&name, &token)))
}

fn sent_admin(ask: &Ask) -> Result<Admin> {
    ask.store.find_admin(ask.form.get("admin"))
}

/// Gives an administrator another role.
pub(super) fn set_role(ask: &mut Ask) -> Result<Answer> {
    let (role, admin) = (sent_role(ask)?, sent_admin(ask)?);
    let command = format!("muster admins role … {}", role.name());
    ask.acts("admins role", &command);
    ask.store.set_admin_role(admin.id, role)?;
    Ok(Answer::See("/settings/administrators".to_string()))
}

/// Makes a new link for an administrator to set a password.
pub(super) fn new_link(ask: &mut Ask) -> Result<Answer> {
    let (token, admin) = (Token::new()?, sent_admin(ask)?);
    ask.acts("admins link", "muster admins link …");
    ask.store.make_password_link(admin.id, &link(&token))?;
    administrators_with(ask, Some((&admin.name, &token)))
}

/// Removes an administrator.
pub(super) fn remove(ask: &mut Ask) -> Result<Answer> {
    let admin = sent_admin(ask)?;
    ask.acts("admins remove", "muster admins remove …");
    ask.store.remove_admin(admin.id)?;
    Ok(Answer::See("/settings/administrators".to_string()))
}

/// `/settings/suppression`.
pub(super) fn suppression(ask: &mut Ask) -> Result<Answer> {
    let mut listed = ask.store.list_suppressions()?;
    let all = listed.len() as u64;
    let wanted = ask.query.get("find").trim().to_lowercase();
    listed.retain(|(address, reason, _)| {
        address.contains(&wanted) || reason.to_lowercase().contains(&wanted)
    });
    let found = listed.len() as u64;
    let shown = listed.iter().take(SUPPRESSED_SHOWN);
    let count = ask.tf(
        "{found} of {all} addresses",
        &[("found", &ask.number(found)), ("all", &ask.number(all))],
    );
    let masks = ask.masks();
    let address = |key: &str| if masks { mask(key) } else { key.to_string() };
    let body = html! {
        section aria-labelledby="list" {
            h2 id="list" { (ask.t("Addresses that are never mailed")) }
            p.small { (ask.t("Muster leaves them out of every invitation and reset, whoever starts it.")) }
            form.row method="get" action="/settings/suppression" role="search" {
                div.field {
                    label for="find" { (ask.t("Find")) }
                    input id="find" name="find" type="search" value=(ask.query.get("find"));
                }
                button.second { (ask.t("Find")) }
            }
            p { (count) @if found > SUPPRESSED_SHOWN as u64 { "; " (ask.tf("the first {count} are shown", &[("count", &SUPPRESSED_SHOWN)])) } }
            div.scroll tabindex="0" role="group" aria-labelledby="list" { table.cards {
                caption.hidden { (ask.t("Addresses that are never mailed")) }
                thead { tr {
                    th scope="col" { (ask.t("Address")) } th scope="col" { (ask.t("Reason")) } th scope="col" { (ask.t("Since")) }
                    th scope="col" { span.hidden { (ask.t("Actions")) } }
                } }
                tbody { @for (key, reason, since) in shown { tr {
                    th scope="row" { (visible(&address(key))) }
                    td data-label=(ask.t("Reason")) { (visible(reason)) }
                    td data-label=(ask.t("Since")) { (since) }
                    td { @if ask.may(Role::Approver) {
                        (form(ask, "/settings/suppression/remove", html! {
                            input type="hidden" name="address" value=(digest(key));
                            button.second aria-label=(ask.tf("Allow again: {name}", &[("name", &address(key))])) { (ask.t("Allow again")) }
                        }))
                    } }
                } } }
            } }
            (command(ask, "muster suppress"))
        }
        section aria-labelledby="add" {
            h2 id="add" { (ask.t("Add addresses")) }
            (form(ask, "/settings/suppression/add", html! {
                div.field {
                    label for="addresses" { (ask.t("Addresses, one a line")) }
                    textarea id="addresses" name="addresses" required {}
                }
                div.field {
                    label for="reason" { (ask.t("Reason")) }
                    input id="reason" name="reason" type="text" maxlength="200";
                }
                div { button { (ask.t("Never mail them")) } }
            }))
        }
    };
    Ok(Page::new(HERE, ask.t("Addresses that are never mailed"), body).into())
}

fn keys(text: &str) -> Result<Vec<String>> {
    let words = text.split([',', ';', '\n', '\r', ' ', '\t']);
    let words = words.map(str::trim).filter(|word| !word.is_empty());
    let mut keys = Vec::new();
    for (number, word) in words.enumerate() {
        let Some(key) = email::key(word) else {
            let what = format!("the address at place {} is none", number + 1);
            return Err(
                Refusal::new(Code::UsageInvalid, what).help("correct it; nothing was written")
            );
        };
        keys.push(key);
    }
    if keys.is_empty() {
        return Err(Refusal::new(Code::UsageInvalid, "no address is given"));
    }
    Ok(keys)
}

/// Adds addresses to the suppression list.
pub(super) fn suppress(ask: &mut Ask) -> Result<Answer> {
    let keys = keys(ask.form.get("addresses"))?;
    ask.acts("suppress", "muster suppress …");
    let reason = ask.form.get("reason").trim().to_string();
    ask.store.suppress(&keys, &reason)?;
    Ok(Answer::See("/settings/suppression".to_string()))
}

/// What a form calls an address, which may be masked for who sends it.
fn digest(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256_of(key))
}

/// Takes an address off the list.
pub(super) fn unsuppress(ask: &mut Ask) -> Result<Answer> {
    let wanted = ask.form.get("address").to_string();
    let listed = ask.store.list_suppressions()?.into_iter();
    let keys = listed.map(|(key, _, _)| key);
    let keys: Vec<String> = keys.filter(|key| digest(key) == wanted).collect();
    ask.acts("suppress", "muster suppress … --remove");
    ask.store.unsuppress(&keys)?;
    Ok(Answer::See("/settings/suppression".to_string()))
}
