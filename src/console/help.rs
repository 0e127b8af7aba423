//! `/help`: the pages of the documentation, which the binary has in it.

#![expect(clippy::unnecessary_wraps, reason = "handlers have one type")]

use maud::{PreEscaped, html};
use pulldown_cmark::{
    CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html as markdown,
};

use super::ask::{Answer, Ask, Page};
use crate::refusal::Result;

/// The pages: name, title, text. `console` comes first, because every page links to its section there.
pub(super) const PAGES: &[(&str, &str, &str)] = &[
    (
        "console",
        "The console",
        include_str!("../../docs/console.md"),
    ),
    (
        "migrate",
        "Move people from another system",
        include_str!("../../docs/migrate.md"),
    ),
    (
        "nightly",
        "Lists that come every night",
        include_str!("../../docs/nightly.md"),
    ),
    (
        "preflight",
        "Check lists before they are imported",
        include_str!("../../docs/preflight.md"),
    ),
    ("plans", "Plans", include_str!("../../docs/plans.md")),
    ("invite", "Invite", include_str!("../../docs/invite.md")),
    (
        "sessions",
        "Sessions",
        include_str!("../../docs/sessions.md"),
    ),
    (
        "undo",
        "Undo and explain",
        include_str!("../../docs/undo.md"),
    ),
    ("people", "People", include_str!("../../docs/people.md")),
    ("groups", "Groups", include_str!("../../docs/groups.md")),
    ("rows", "Rows", include_str!("../../docs/rows.md")),
    ("change", "Change", include_str!("../../docs/change.md")),
    (
        "safeguards",
        "Safeguards",
        include_str!("../../docs/safeguards.md"),
    ),
    (
        "pipelines",
        "Pipelines",
        include_str!("../../docs/pipelines.md"),
    ),
    (
        "own-table",
        "Your own table",
        include_str!("../../docs/own-table.md"),
    ),
    ("operate", "Operate", include_str!("../../docs/operate.md")),
];

/// `/help` and `/help/{page}`.
pub(super) fn page(ask: &mut Ask) -> Result<Answer> {
    let wanted = match ask.part("page") {
        "" => "console",
        wanted => wanted,
    };
    let Some((_, _, text)) = PAGES.iter().find(|(name, _, _)| *name == wanted) else {
        return Ok(Answer::Missing);
    };
    let rendered = render(text);
    let body = html! {
        div.help {
            nav aria-label=(ask.t("Pages of the help")) {
                ul { @for (name, title, _) in PAGES {
                    li { a href={ "/help/" (name) } aria-current=[(*name == wanted).then_some("page")] { (title) } }
                } }
            }
            article lang="en" {
                @if ask.language != "en" { p.note lang=(ask.language) { (ask.t("The help is in English.")) } }
                (PreEscaped(rendered.html))
            }
        }
    };
    Ok(Page::new("/help", rendered.title, body).into())
}

struct Rendered {
    title: String,
    html: String,
}

/// Markdown as HTML. HTML in it is shown as text, pictures by their texts, and links between pages lead
/// to pages of the help.
fn render(text: &str) -> Rendered {
    let mut title = String::new();
    let (mut in_title, mut heading) = (false, None::<String>);
    let mut events: Vec<Event> = Vec::new();
    let mut heading_at = 0;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading {
                level: HeadingLevel::H1,
                ..
            }) => in_title = true,
            Event::End(TagEnd::Heading(HeadingLevel::H1)) => in_title = false,
            Event::Text(text) | Event::Code(text) if in_title => title.push_str(&text),
            // Comments say how the tests run a command.
            Event::Html(text) | Event::InlineHtml(text) => {
                if !text.trim_start().starts_with("<!--") {
                    events.push(Event::Text(text));
                }
            }
            Event::Start(Tag::Heading { level, .. }) => {
                heading = Some(String::new());
                heading_at = events.len();
                events.push(start_of_heading(level, ""));
            }
            Event::End(TagEnd::Heading(level)) => {
                if let Some(text) = heading.take() {
                    events[heading_at] = start_of_heading(level, &slug(&text));
                }
                events.push(Event::End(TagEnd::Heading(level)));
            }
            Event::Text(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
                events.push(Event::Text(text));
            }
            Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
                events.push(Event::Code(text));
            }
            Event::Start(Tag::Link { dest_url, .. }) => events.push(start_of_link(&dest_url)),
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => {}
            Event::Start(Tag::Table(alignment)) => {
                let scroll = "<div class=\"scroll\" tabindex=\"0\">";
                events.push(Event::Html(CowStr::Borrowed(scroll)));
                // Alignment would be a style, which isn't allowed; no column needs it.
                let none = alignment.iter().map(|_| pulldown_cmark::Alignment::None);
                events.push(Event::Start(Tag::Table(none.collect())));
            }
            Event::End(TagEnd::Table) => {
                events.push(Event::End(TagEnd::Table));
                events.push(Event::Html(CowStr::Borrowed("</div>")));
            }
            event => events.push(event),
        }
    }
    let mut html = String::new();
    markdown::push_html(&mut html, events.into_iter());
    Rendered { title, html }
}

fn start_of_heading<'a>(level: HeadingLevel, id: &str) -> Event<'a> {
    Event::Start(Tag::Heading {
        level,
        id: Some(CowStr::from(id.to_string())),
        classes: Vec::new(),
        attrs: Vec::new(),
    })
}

fn start_of_link<'a>(url: &str) -> Event<'a> {
    Event::Start(Tag::Link {
        link_type: LinkType::Inline,
        dest_url: CowStr::from(address(url)),
        title: CowStr::Borrowed(""),
        id: CowStr::Borrowed(""),
    })
}

/// Where a link of the documentation leads in the help.
fn address(url: &str) -> String {
    if url.starts_with('#') || url.starts_with("https://") || url.starts_with("http://") {
        return url.to_string();
    }
    let (file, section) = url
        .split_once('#')
        .map_or((url, ""), |(file, section)| (file, section));
    let name = file.strip_suffix(".md").unwrap_or("");
    if PAGES.iter().any(|(known, _, _)| *known == name) {
        let mark = if section.is_empty() { "" } else { "#" };
        return format!("/help/{name}{mark}{section}");
    }
    // Files of the source code are no part of the help.
    "/help".to_string()
}

/// As GitHub makes it of a heading.
fn slug(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    let kept = lower
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_plain_html() {
        let text = "# The `title`\n\n<!-- not run -->\n\n## People, and `x`\n\n[a](plans.md#how) [b](../src/lib.rs) <script>x</script> ![pic](p.png)\n\n| a | b |\n|--:|---|\n| 1 | 2 |\n";
        let rendered = render(text);
        assert_eq!(rendered.title, "The title");
        let html = rendered.html;
        assert!(html.contains("<h2 id=\"people-and-x\">"), "{html}");
        assert!(html.contains("<a href=\"/help/plans#how\">a</a>"), "{html}");
        assert!(html.contains("<a href=\"/help\">b</a>"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
        assert!(html.contains("pic") && !html.contains("<img"), "{html}");
        assert!(
            !html.contains("style=") && !html.contains("not run"),
            "{html}"
        );
    }

    #[test]
    fn every_page_for_users_is_in_the_help() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");
        let left_out = ["README", "architecture", "glossary"];
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(name) = name.strip_suffix(".md") else {
                continue;
            };
            let is_there = PAGES.iter().any(|(known, _, _)| *known == name);
            assert!(is_there || left_out.contains(&name), "{name}");
        }
    }
}
