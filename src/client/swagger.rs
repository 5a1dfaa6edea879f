//! Swagger UI, by others (see its `LICENSE.txt`): it shows the document of the REST API to people.

use std::{borrow::Cow, collections::BTreeMap, sync::OnceLock};

use bytes::Bytes;
use rust_embed::RustEmbed;

use super::Asset;

#[derive(RustEmbed)]
#[folder = "src/client/swagger-ui/"]
struct Files;

/// One of its files.
#[must_use]
pub fn file(name: &str) -> Option<&'static Asset> {
    static FILES: OnceLock<BTreeMap<String, Asset>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let assets = Files::iter().filter_map(|name| {
            let bytes = match Files::get(&name)?.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes),
            };
            let asset = Asset::new(&name, bytes);
            Some((name.into_owned(), asset))
        });
        assets.collect()
    });
    files.get(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Coding;

    /// The site's policy lets no inline script or style run.
    #[test]
    fn the_page_holds_nothing_inline() {
        let page = file("index.html")
            .expect("the page")
            .encoded(Coding::Identity);
        let page = String::from_utf8(page.1.to_vec()).unwrap();
        assert!(!page.contains("<style") && !page.contains("style="));
        for script in page.split("<script").skip(1) {
            let (head, rest) = script.split_once('>').expect("a whole tag");
            assert!(
                head.contains("src=") && rest.starts_with("</script>"),
                "{script}"
            );
        }
    }

    #[test]
    fn the_licence_comes_with_it() {
        for name in [
            "LICENSE.txt",
            "NOTICE.txt",
            "swagger-ui-bundle.js.LICENSE.txt",
        ] {
            assert!(file(name).is_some(), "{name}");
        }
        assert!(file("../assets/index.html").is_none());
    }
}
