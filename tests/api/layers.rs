//! The house's rules that the compiler does not know: who may import whom, who names what.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Modules that anybody may import.
const EVERYWHERE: [&str; 8] = [
    "clock",
    "config",
    "error",
    "keyfile",
    "limits",
    "metrics",
    "telemetry",
    "tls",
];

/// What each module may import, beside itself and [`EVERYWHERE`].
const ARROWS: [(&str, &[&str]); 15] = [
    ("domain", &[]),
    ("client", &[]),
    ("protocol", &["domain"]),
    // A client itself: it knows of the server what goes over the wire.
    ("remote", &["protocol"]),
    ("conformance", &["remote", "protocol"]),
    ("flaky", &["remote"]),
    // For the codes of its errors.
    ("store", &["protocol", "domain"]),
    ("auth", &["store", "protocol", "domain"]),
    ("jobs", &["store", "domain"]),
    ("mail", &["jobs", "store", "domain"]),
    ("chat", &["auth", "store", "protocol", "domain"]),
    (
        "routes",
        &["client", "chat", "auth", "store", "protocol", "domain"],
    ),
    (
        "startup",
        &[
            "routes", "chat", "auth", "mail", "jobs", "store", "protocol", "domain",
        ],
    ),
    (
        "command",
        &[
            "conformance",
            "flaky",
            "remote",
            "startup",
            "routes",
            "chat",
            "auth",
            "store",
            "protocol",
            "domain",
        ],
    ),
    (
        "main",
        &[
            "command", "startup", "routes", "chat", "auth", "store", "protocol", "domain",
        ],
    ),
];

struct Source {
    /// Below `src`, with `/` between folders.
    path: String,
    text: String,
}

impl Source {
    /// The module of the crate that the file belongs to.
    fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap()
    }

    /// The code without comments, up to the tests at its end; nothing of a file of tests.
    fn code(&self) -> String {
        if self.path.ends_with("/tests.rs") || self.path.contains("/tests/") {
            return String::new();
        }
        let text = self.text.split("#[cfg(test)]\nmod ").next().unwrap();
        let lines = text.lines().map(|line| line.split("//").next().unwrap());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The modules of this crate that the code names.
    fn imports(&self) -> Vec<String> {
        let code = self.code();
        let mut found = Vec::new();
        for start in ["crate::", "parlor::"] {
            for (at, _) in code.match_indices(start) {
                if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
                    continue;
                }
                found.extend(first_names(&code[at + start.len()..]));
            }
        }
        found
    }
}

/// The first name of a path, or of each path in a braced list.
fn first_names(text: &str) -> Vec<String> {
    let name = |text: &str| {
        let text = text.trim_start();
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let Some(list) = text.strip_prefix('{') else {
        return vec![name(text)];
    };
    let (mut names, mut depth, mut item) = (Vec::new(), 0, String::new());
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(&std::mem::take(&mut item))),
            _ => {}
        }
        if letter != ',' || depth > 0 {
            item.push(letter);
        }
    }
    names.push(name(&item));
    names.retain(|name| !name.is_empty());
    names
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found): (Vec<PathBuf>, _) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let name = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.push(Source {
                    path: name,
                    text: fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    assert!(found.len() > 30, "the sources are found");
    found
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for source in sources() {
        let module = source.module();
        if module == "lib" || EVERYWHERE.contains(&module) {
            continue;
        }
        let arrows = ARROWS.iter().find(|(name, _)| *name == module);
        let Some((_, allowed)) = arrows else {
            wrong.push(format!(
                "{}: {module} has no place in the house",
                source.path
            ));
            continue;
        };
        for import in source.imports() {
            let known = ARROWS.iter().any(|(name, _)| *name == import);
            if known && import != module && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{} imports {import}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What everybody imports must not import everybody.
#[test]
fn what_is_used_everywhere_stands_below() {
    let above = [
        "auth", "chat", "routes", "startup", "command", "main", "store",
    ];
    let mut wrong = Vec::new();
    for source in sources() {
        if EVERYWHERE.contains(&source.module()) {
            let imports = source.imports();
            let upward = imports
                .iter()
                .filter(|import| above.contains(&import.as_str()));
            wrong.extend(upward.map(|import| format!("{} imports {import}", source.path)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Says which files name something they should not.
fn namers(what: &[&str], allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources() {
        let code = source.code();
        for name in what {
            if code.contains(name) && !allowed(&source.path) {
                wrong.push(format!("{} names {name}", source.path));
            }
        }
    }
    wrong
}

#[test]
fn only_the_store_speaks_sql() {
    let words = [
        "sqlx::query",
        "SELECT ",
        "INSERT INTO",
        "UPDATE ",
        "DELETE FROM",
        "PRAGMA ",
    ];
    let wrong = namers(&words, |path| path.starts_with("store/"));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_config_reads_the_environment() {
    let words = ["env::var", "env::vars", "dotenvy"];
    let allowed = |path: &str| path.starts_with("config") || path == "main.rs";
    let wrong = namers(&words, allowed);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_clock_asks_for_the_time() {
    let words = ["Utc::now", "Local::now", "SystemTime::now"];
    let wrong = namers(&words, |path| path == "clock.rs");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A route that came in another way would not be in the document of the API.
#[test]
fn only_the_api_and_the_browser_client_make_routes() {
    let words = [
        "web::resource",
        "web::scope",
        "web::route(",
        "web::get(",
        "web::post(",
        "web::put(",
        "web::patch(",
        "web::delete(",
        "web::head(",
        "web::method(",
        ".route(",
        ".service(",
    ];
    let allowed = ["routes/api/mod.rs", "routes/client.rs"];
    let wrong = namers(&words, |path| {
        allowed.contains(&path) || !path.starts_with("routes/")
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The crate is deprecated: it must be possible to replace it in two files.
#[test]
fn only_the_session_and_its_upgrade_name_the_deprecated_crate() {
    let allowed = ["chat/session.rs", "chat/upgrade.rs"];
    let wrong = namers(&["actix_web_actors"], |path| allowed.contains(&path));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Short files are read whole.
#[test]
fn files_stay_short() {
    let long: Vec<_> = sources()
        .iter()
        .map(|source| (source.path.clone(), source.text.lines().count()))
        .filter(|(_, lines)| *lines > 400)
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

/// Both databases have the same history.
#[test]
fn migrations_come_in_pairs() {
    let names = |kind: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("migrations")
            .join(kind);
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let sqlite = names("sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, names("postgres"));
}
