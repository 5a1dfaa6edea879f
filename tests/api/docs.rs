//! What the documents list is what the code has.

use std::collections::BTreeSet;

use parlor::protocol::code::{CloseCode, ErrorCode};

/// The first word in backticks of each row of the table under a heading of `docs/protocol.md`.
fn first_column(heading: &str) -> BTreeSet<&'static str> {
    let text = include_str!("../../docs/protocol.md");
    let (_, section) = text.split_once(heading).expect("the heading");
    let section = section.split("\n## ").next().unwrap_or(section);
    section
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| Some(line.split_once('`')?.0))
        .collect()
}

#[test]
fn the_protocol_document_lists_every_error_code_and_no_other() {
    let codes: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(first_column("## Error codes"), codes);
}

#[test]
fn the_protocol_document_lists_every_close_code_with_its_name() {
    let numbers: Vec<String> = CloseCode::ALL
        .iter()
        .map(|code| code.number().to_string())
        .collect();
    let numbers: BTreeSet<&str> = numbers.iter().map(String::as_str).collect();
    assert_eq!(first_column("## Close codes"), numbers);
    let text = include_str!("../../docs/protocol.md");
    for code in CloseCode::ALL {
        let row = format!("| `{}` | `{}` |", code.number(), code.as_str());
        assert!(text.contains(&row), "docs/protocol.md has no row {row}");
    }
}

#[test]
fn the_readme_tells_of_every_setting() {
    let readme = include_str!("../../README.md");
    let settings = parlor::config::Config::default().to_string();
    for line in settings.lines() {
        let name = line.split('=').next().unwrap_or(line);
        assert!(
            readme.contains(&format!("`{name}`")),
            "README.md does not tell of {name}"
        );
    }
}
