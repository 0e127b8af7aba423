use super::*;
use crate::header::Vocabulary;
use crate::stages::read::Reader;
use std::io::Write;
use tempfile::NamedTempFile;

type Rows = Vec<(u64, u64, Vec<String>)>;

fn opened(bytes: &[u8]) -> Result<(NamedTempFile, Source)> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let definition = crate::pipelines::open(None).unwrap().definition;
    let vocabulary = Vocabulary::new(&definition);
    let wanted = Wanted {
        definition: &definition,
        vocabulary: &vocabulary,
        reader: &Reader::default(),
    };
    let source = Source::open(file.path(), &wanted)?;
    Ok((file, source))
}

fn read_all(bytes: impl AsRef<[u8]>) -> Result<(Source, Rows, Vec<Issue>)> {
    let (_file, source) = opened(bytes.as_ref())?;
    let (mut rows, mut issues) = (Rows::new(), Vec::new());
    source.read(0, 0, &mut |mut cells| {
        for index in 0..cells.len() {
            let place = cells.place(index);
            let row = cells.row(index).map(String::from).collect();
            rows.push((place.line, place.byte, row));
        }
        issues.append(&mut cells.issues);
        Ok(true)
    })?;
    Ok((source, rows, issues))
}

fn refused(bytes: impl AsRef<[u8]>) -> (Code, String) {
    let refusal = read_all(bytes).unwrap_err();
    let what = refusal.what.split_once("` ").map_or("", |(_, what)| what);
    (refusal.code, what.to_string())
}

fn reported(source: &Source) -> Vec<String> {
    let Format::Json(shape) = &source.format else {
        panic!("{:?}", source.format);
    };
    shape.remarks(source)
}

#[test]
fn nested_members_become_columns() {
    let (source, rows, issues) = read_all(
        r#"{"id":12345678901234567890,"name":{"givenName":"Ada","x":null},"active":true,"none":[],"tags":["a",1,null,2.5,["b"]]}
{"id":-3,"name":null,"groups":[{"value":"1","display":"Staff"},{"value":"2"}],"emails":[{"value":"b@x.org","type":"home"},{"value":"a@x.org","type":"work","primary":true}],"addresses":[{"country":"DE"},{"country":"FR"}]}
"#,
    )
    .unwrap();
    assert!(issues.is_empty(), "{issues:?}");
    assert_eq!(reported(&source), ["JSON Lines"]);
    assert_eq!(
        source.header.join(" "),
        "id name.givenName name.x active none tags groups emails.value emails.type emails.others \
         addresses.country addresses.2.country"
    );
    assert_eq!(
        rows[0].2.join("|"),
        "12345678901234567890|Ada||true||a;1;2.5;b||||||"
    );
    assert_eq!(
        rows[1].2.join("|"),
        "-3||||||Staff;2|a@x.org|work|b@x.org|DE|FR"
    );
}

#[test]
fn a_broken_line_costs_its_row_only() {
    let lines = [
        r#"{"email":"a"}"#,
        r#"{"email":"b""#,
        r#"{"email":"c","email":"d"}"#,
        "",
        r#"{"email":"\ud800"}"#,
        "[1]",
        r#"{"email":"e","n":[-1.5e3,7],"t":"9\"8","id":123456789012345678901234}"#,
        r#"{"email":"f","groups":["R, D"]}"#,
        r#"{"email":"g","u.x":1,"u":{"x":2}}"#,
        r#"{"email":"h"}"#,
        r#"{"email":"i"}"#,
    ];
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    bytes.extend(lines.join("\r\n").bytes());
    let (_, rows, issues) = read_all(bytes).unwrap();
    let places: Vec<(u64, u64)> = rows.iter().map(|row| (row.0, row.1)).collect();
    assert_eq!(places[..3], [(1, 3), (2, 18), (3, 32)]);
    assert_eq!(rows[1].2[0], "(left out): line 2");
    assert_eq!(rows[9].2[0], "i");
    let said: Vec<(u32, Code, &str)> = issues
        .iter()
        .map(|issue| (issue.row, issue.code, issue.detail.as_str()))
        .collect();
    let json = Code::RowJson;
    assert_eq!(
        said[..4],
        [
            (1, json, "EOF while parsing an object at character 12"),
            (2, json, "the key `email` occurs twice"),
            (3, json, said[2].2),
            (4, json, "expected an object such as `{\"email\": …}`"),
        ]
    );
    assert!(said[2].2.contains("hex escape"), "{said:?}");
    let rest: Vec<(u32, Code)> = said[4..].iter().map(|said| (said.0, said.1)).collect();
    assert_eq!(
        rest,
        [(5, Code::CellPrecision), (6, Code::CellList), (7, json)]
    );
    assert!(said[6].2.contains("two values for `u.x`"), "{said:?}");
    // Digits that can't be counted with aren't lost.
    let is_written = |cell: &String| cell == "123456789012345678901234";
    assert!(rows[5].2.iter().any(is_written), "{:?}", rows[5].2);
}

#[test]
fn documents_are_read_element_by_element() {
    for (text, remark) in [
        ("[\n {\"a\":1},\n {\"a\":2}\n]\n", "a JSON array"),
        (
            "{\"totalResults\":2,\"schemas\":[\"x]\"],\n \"Resources\":[{\"a\":1},\n{\"a\":2} ] , \"startIndex\":1}",
            "SCIM 2.0 list, 2 users",
        ),
        (
            "{\"realm\":\"r\",\"roles\":{\"users\":[{}]},\n\"users\":[\n{\"a\":1},{\n\"a\":2}]}",
            "`users` of a JSON document",
        ),
        (
            "{\n\"a\":1}\n{\n\"a\":2}\n",
            "JSON, one object after another",
        ),
        ("{\"a\":1}\n\n{\"a\":2}", "JSON Lines"),
    ] {
        let (source, rows, _) = read_all(text).unwrap();
        assert_eq!(reported(&source), [remark]);
        let cells: Vec<&str> = rows.iter().map(|row| row.2[0].as_str()).collect();
        assert_eq!(cells, ["1", "2"], "{text}");
        let at = |row: usize| &text[rows[row].1 as usize..];
        assert!(at(0).starts_with('{') && at(1).starts_with('{'), "{text}");
        let before = &text[..rows[1].1 as usize];
        assert_eq!(rows[1].0 as usize, before.matches('\n').count() + 1);
    }
    let page = r#"{"totalResults":7,"Resources":[{"a":1}]}"#;
    let (source, ..) = read_all(page).unwrap();
    assert_eq!(
        reported(&source)[1],
        "one page of a list of 7; the rest isn't in this file"
    );
}

#[test]
fn what_is_no_list_of_people_is_refused() {
    let damaged = |what: &str| (Code::FileDamaged, format!("isn't JSON: {what}"));
    for (text, expected) in [
        (
            "[{\"a\":1}\n{\"a\":2}]",
            damaged("line 2, column 1: expected `,` or `]`"),
        ),
        (
            "[{\"a\":1},\n {\"a\" 2}]",
            damaged("line 2, column 7: expected `:`"),
        ),
        (
            "[{\"a\":1}",
            damaged("line 1, column 9: expected `,` or `]`"),
        ),
        (
            "[{\"a\":1}] x",
            damaged("line 1, column 11: there is more text after the end of the document"),
        ),
        (
            "[{\"a\":\"x\n\"}]",
            damaged("line 1, column 9: a line ends within quotes"),
        ),
        (
            "{\"users\":[{\"a\":1}",
            damaged("line 1, column 18: expected `,` or `]`"),
        ),
        ("[]", (Code::FileEmpty, "has no record".into())),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
    assert_eq!(refused("{}").0, Code::FileEmpty);
    assert_eq!(refused("\u{feff}{}\n{}\n{}").0, Code::FileEmpty);
}

#[test]
fn limits_hold_to_the_last_byte_level_and_column() {
    let line = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    let two = |first: String| format!("{first}\n{{\"a\":1}}\n{{\"a\":2}}\n");
    assert!(read_all(two(line(RECORD_BYTES_MAX))).is_ok());
    assert_eq!(refused(two(line(RECORD_BYTES_MAX + 1))).0, Code::FileLimit);
    let array = |first: String| format!("[{first},{{\"a\":2}}]");
    assert!(read_all(array(line(RECORD_BYTES_MAX))).is_ok());
    assert_eq!(
        refused(array(line(RECORD_BYTES_MAX + 1))).0,
        Code::FileLimit
    );
    let deep = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        format!("{{\"a\":{open}1{close}}}")
    };
    for text in [two(deep(DEPTH_MAX)), array(deep(DEPTH_MAX))] {
        assert!(read_all(text).is_ok());
    }
    for text in [
        two(deep(DEPTH_MAX + 1)),
        array(deep(DEPTH_MAX + 1)),
        "[".repeat(100_000),
    ] {
        assert_eq!(refused(text).0, Code::FileLimit);
    }
    let wide = |columns: usize| {
        let members: Vec<String> = (0..columns).map(|n| format!("\"k{n}\":{n}")).collect();
        format!("{{{}}}", members.join(","))
    };
    assert!(read_all(wide(COLUMNS_MAX)).is_ok());
    assert_eq!(refused(wide(COLUMNS_MAX + 1)).0, Code::FileLimit);
}

#[test]
fn utf_16_and_bulk_exports_are_read() {
    let text = "{\"a\":\"é\"}\n{\"a\":\"ü\"}\n";
    for mark in [&[0xff, 0xfe][..], &[]] {
        let mut bytes = mark.to_vec();
        bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        let (_, rows, _) = read_all(bytes).unwrap();
        let start = mark.len() as u64;
        assert_eq!(rows[1], (2, start + 20, vec!["ü".to_string()]));
    }
    let (source, rows, _) = read_all(
        "{\"type\":\"version\",\"version\":1}\n{\"type\":\"user\",\"user\":{\"username\":\"ada\",\
         \"teams\":[{\"name\":\"a\",\"roles\":\"x\"},{\"name\":\"b\"}]}}\n{\"type\":\"post\",\"post\":{}}\n",
    )
    .unwrap();
    assert_eq!(reported(&source)[1], "no people: 1 post, 1 version");
    assert_eq!(source.header, ["type", "user.username", "user.teams"]);
    assert_eq!(rows[0].2, ["user", "ada", "a;b"]);
}

#[test]
fn lists_with_delimiters_are_no_json() {
    for (start, expected) in [
        ("{\"email\"", true),
        ("[ {", true),
        ("[id],[email]", false),
        ("{id},{email}", false),
        ("\u{feff}\n{}", true),
        ("email", false),
        ("[", true),
    ] {
        assert_eq!(is_json(start.as_bytes()), expected, "{start}");
    }
}
