//! The built-in browser client: its files, embedded in the binary and ready to be sent.
//!
//! Most are served under one hash of the whole tree, so that they are cached for ever and find each
//! other by relative path. The few whose address must stay ([`Page`]) name that hash inside.

mod encoding;
pub mod swagger;

use std::{collections::BTreeMap, sync::OnceLock};

use bytes::Bytes;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

pub use encoding::{Coding, Encoded};

/// In the name of a folder, enough that no two trees meet.
const HASH_LETTERS: usize = 16;

#[derive(RustEmbed)]
#[folder = "src/client/assets/"]
#[exclude = "*.md"]
#[exclude = "*.d.ts"]
struct Files;

/// A file at a fixed address, which browsers must ask for anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The HTML of every page.
    Shell,
    /// Its scope is its folder, so it stands at the top.
    ServiceWorker,
    /// What an installed client is known by.
    Manifest,
}

impl Page {
    const ALL: [Self; 3] = [Self::Shell, Self::ServiceWorker, Self::Manifest];

    const fn file(self) -> &'static str {
        match self {
            Self::Shell => "index.html",
            Self::ServiceWorker => "sw.js",
            Self::Manifest => "manifest.webmanifest",
        }
    }
}

/// One file as it is sent.
#[derive(Debug)]
pub struct Asset {
    pub content_type: &'static str,
    /// A hash of the bytes, as `ETag` has it.
    pub etag: String,
    encoded: Encoded,
}

impl Asset {
    /// A file with this content; its name tells its kind.
    #[must_use]
    pub fn new(name: &str, bytes: Bytes) -> Self {
        let content_type = content_type(name);
        Self {
            content_type,
            etag: format!("\"{}\"", short_hash(&Sha256::digest(&bytes))),
            encoded: Encoded::new(bytes, is_text(content_type)),
        }
    }

    /// The bytes in a coding, or as they are where it would not make them fewer.
    ///
    /// The first call for a coding computes for some milliseconds.
    #[must_use]
    pub fn encoded(&self, coding: Coding) -> (Coding, Bytes) {
        self.encoded.with(coding)
    }
}

/// Every file of the client.
#[derive(Debug)]
pub struct Client {
    hash: String,
    files: BTreeMap<String, Asset>,
    pages: BTreeMap<&'static str, Asset>,
}

impl Client {
    /// The one that is embedded, read at the first call.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static CLIENT: OnceLock<Client> = OnceLock::new();
        CLIENT.get_or_init(|| {
            Self::new(Files::iter().filter_map(|name| {
                let bytes = match Files::get(&name)?.data {
                    std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                    std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
                };
                Some((name.into_owned(), bytes))
            }))
        })
    }

    fn new(files: impl Iterator<Item = (String, Bytes)>) -> Self {
        let mut sources: BTreeMap<String, Bytes> = files.collect();
        let pages = Page::ALL.map(|page| (page.file(), sources.remove(page.file())));
        let mut tree = Sha256::new();
        for (name, bytes) in &sources {
            tree.update(name.len().to_le_bytes());
            tree.update(name);
            tree.update(Sha256::digest(bytes));
        }
        let hash = short_hash(&tree.finalize());
        let names: Vec<String> = sources
            .keys()
            .map(|name| format!("/assets/{hash}/{name}"))
            .collect();
        let pages = pages.into_iter().filter_map(|(file, source)| {
            let bytes = filled(&source?, &hash, &names);
            Some((file, Asset::new(file, bytes)))
        });
        Self {
            pages: pages.collect(),
            files: sources
                .into_iter()
                .map(|(name, bytes)| {
                    let asset = Asset::new(&name, bytes);
                    (name, asset)
                })
                .collect(),
            hash,
        }
    }

    /// A file at a fixed address.
    #[must_use]
    pub fn page(&self, page: Page) -> Option<&Asset> {
        self.pages.get(page.file())
    }

    /// A file of the tree with this hash, if that is the present one.
    #[must_use]
    pub fn file(&self, hash: &str, path: &str) -> Option<&Asset> {
        (hash == self.hash).then(|| self.files.get(path)).flatten()
    }
}

/// Writes the addresses of the other files into one of the [`Page`]s.
fn filled(source: &Bytes, hash: &str, names: &[String]) -> Bytes {
    let Ok(text) = std::str::from_utf8(source) else {
        return source.clone();
    };
    let list = serde_json::to_string(names).unwrap_or_default();
    let text = text.replace("{{assets}}", &format!("/assets/{hash}"));
    Bytes::from(text.replace("{{files}}", &list))
}

fn short_hash(digest: &[u8]) -> String {
    let mut text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(HASH_LETTERS);
    text
}

/// What a browser is told of a file; it does not guess.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, kind)| kind) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Whether compression makes it smaller: pictures and fonts are compressed already.
fn is_text(content_type: &str) -> bool {
    content_type.starts_with("text/")
        || content_type.ends_with("json")
        || content_type.ends_with("xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(files: &[(&str, &'static str)]) -> Client {
        let owned = |(name, text): &(&str, &'static str)| {
            ((*name).to_owned(), Bytes::from_static(text.as_bytes()))
        };
        Client::new(files.iter().map(owned))
    }

    fn text(asset: &Asset) -> String {
        String::from_utf8(asset.encoded(Coding::Identity).1.to_vec()).unwrap()
    }

    #[test]
    fn pages_name_the_tree_and_the_tree_is_found_by_that_name() {
        let client = client(&[
            ("index.html", "<script src={{assets}}/js/app.js>"),
            ("sw.js", "{{files}}"),
            ("js/app.js", "1"),
        ]);
        let shell = text(client.page(Page::Shell).unwrap());
        let hash = client.hash.clone();
        assert_eq!(shell, format!("<script src=/assets/{hash}/js/app.js>"));
        let worker = text(client.page(Page::ServiceWorker).unwrap());
        assert_eq!(worker, format!(r#"["/assets/{hash}/js/app.js"]"#));
        assert!(client.page(Page::Manifest).is_none());
        assert!(client.file(&hash, "js/app.js").is_some());
        assert!(client.file("0123456789abcdef", "js/app.js").is_none());
        assert!(client.file(&hash, "index.html").is_none());
    }

    /// A cached file is never asked for again, so any change must change every address.
    #[test]
    fn any_change_of_a_file_gives_the_tree_another_name() {
        let before = client(&[("a.js", "1"), ("b.js", "2")]).hash;
        for files in [
            [("a.js", "1"), ("b.js", "3")],
            [("a.js", "1"), ("c.js", "2")],
            [("a.js", "12"), ("b.js", "")],
        ] {
            assert_ne!(client(&files).hash, before, "{files:?}");
        }
    }

    #[test]
    fn what_is_embedded_is_whole_and_holds_no_notes() {
        let client = Client::embedded();
        for page in Page::ALL {
            let page = client.page(page).unwrap_or_else(|| panic!("{page:?}"));
            assert!(!text(page).contains("{{"), "a name was not filled in");
        }
        assert!(client.files.keys().any(|name| name.ends_with(".js")));
        for name in client.files.keys() {
            assert!(!name.ends_with(".md"), "{name}");
            let kind = content_type(name);
            assert_ne!(kind, "application/octet-stream", "{name}");
        }
    }
}
