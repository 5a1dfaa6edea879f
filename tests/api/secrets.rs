//! Secrets are typed so that they cannot be printed by mistake.

use std::{fs, path::Path, time::Duration};

use parlor::{config::Config, store::StoreOptions};

/// What fields with secrets are called.
const NAMES: [&str; 9] = [
    "token",
    "password",
    // Hashes of random bytes tell nothing; a password's can be tried out.
    "password_hash",
    "secret",
    "private",
    "ticket",
    "verifier",
    "nonce",
    // It may have a password in it.
    "database_url",
];

/// Types that print what is in them.
const OPEN: [&str; 4] = ["String", "Vec<u8>", "[u8;", "&str"];

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
            found.push((path.display().to_string(), code.to_owned()));
        }
    }
}

/// Types that print all their fields: each with the lines from its `derive` to its end.
fn printable(code: &str) -> impl Iterator<Item = &str> {
    code.match_indices("#[derive(").filter_map(|(at, _)| {
        let rest = &code[at..];
        let (derived, _) = rest.split_once(")]")?;
        let end = rest.find("\n}\n").or_else(|| rest.find(";\n"))?;
        derived.contains("Debug").then(|| &rest[..end])
    })
}

fn is_open_secret(line: &str) -> bool {
    let line = line.split("//").next().unwrap();
    // `name: Type,` of a struct, or several of a variant.
    line.split([',', '{', '(']).any(|field| {
        let Some((name, kind)) = field.split_once(": ") else {
            return false;
        };
        let name = name.trim().trim_start_matches("pub ");
        let name = name.rsplit(' ').next().unwrap();
        let is_secret = NAMES.iter().any(|word| name.ends_with(word));
        let kind = kind.trim_start_matches("Option<");
        is_secret && OPEN.iter().any(|open| kind.starts_with(open))
    })
}

/// A `{:?}` in a log line would else tell a password, sooner or later.
#[test]
fn nothing_that_prints_itself_holds_a_secret_as_text() {
    let mut found = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert!(found.len() > 30, "the sources are found");
    let mut wrong = Vec::new();
    for (path, code) in &found {
        for printable in printable(code) {
            let open = printable.lines().filter(|line| is_open_secret(line));
            wrong.extend(open.map(|line| format!("{path}: {}", line.trim())));
        }
    }
    assert!(wrong.is_empty(), "use SecretString: {wrong:#?}");
}

/// A field that is called `url` could not be told from others by its name.
#[test]
fn a_databases_password_does_not_print_itself() {
    let url = "postgres://parlor:Hidden-Zebra-7@db.example/parlor?password=Hidden-Zebra-8";
    let options = StoreOptions {
        url: url.into(),
        max_connections: 1,
        allow_unsafe: false,
        acquire_timeout: Duration::ZERO,
        busy_timeout: Duration::ZERO,
        mail: false,
    };
    let mut config = Config::default();
    config.store.url = url.into();
    for printed in [
        format!("{options:?}"),
        format!("{config:?}"),
        config.to_string(),
    ] {
        assert!(!printed.contains("Hidden-Zebra"), "{printed}");
    }
}

#[test]
fn the_search_finds_what_it_is_for() {
    let code = "#[derive(Clone, Debug)]\nstruct A {\n    pub token: Option<String>,\n}\n";
    assert_eq!(printable(code).count(), 1);
    assert!(code.lines().any(is_open_secret));
    assert!(is_open_secret("    Authorization { token: String },"));
    assert!(!is_open_secret("    token: Option<SecretString>,"));
    assert!(!is_open_secret("    /// token: String"));
}
