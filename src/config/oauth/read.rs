//! From what was written of providers to what it means.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::{
    ClientCredentials, FacebookConfig, GithubConfig, GoogleConfig, IssuerConfig, IssuerTexts,
    OauthConfig, OauthSecrets, OauthSettings, OauthTiming, PROVIDER,
};
use crate::config::reader::Reader;

/// Names that an issuer cannot have: other providers', and what else stands in their place of an
/// address.
const RESERVED: [&str; 6] = [
    "google",
    "github",
    "facebook",
    "providers",
    "callback",
    "exchange",
];

/// The longest name of a provider for people, in characters.
const MAX_LABEL: usize = 50;

/// Checks all that is set for providers.
pub fn read(reader: &mut Reader, settings: &OauthSettings, secrets: &OauthSecrets) -> OauthConfig {
    let default = OauthConfig::default();
    let github_url = base(reader, "GITHUB_URL", &settings.github_url);
    let github_url = github_url.unwrap_or(default.github.url);
    let api_by_default = if github_url == super::GITHUB_URL {
        default.github.api_url
    } else {
        format!("{github_url}/api/v3")
    };
    let api_url = settings.github_api_url.as_deref().unwrap_or_default();
    OauthConfig {
        redirect_url: redirect_url(reader, settings.oauth_redirect_url.as_deref()),
        ca_path: ca_path(reader, settings.oauth_ca_path.as_deref()),
        google: GoogleConfig {
            client: client(
                reader,
                ("GOOGLE_CLIENT_ID", settings.google_client_id.as_deref()),
                ("GOOGLE_CLIENT_SECRET", secrets.google.as_ref()),
            ),
            issuer: issuer(reader, "GOOGLE_ISSUER", &settings.google_issuer)
                .unwrap_or(default.google.issuer),
        },
        github: GithubConfig {
            client: client(
                reader,
                ("GITHUB_CLIENT_ID", settings.github_client_id.as_deref()),
                ("GITHUB_CLIENT_SECRET", secrets.github.as_ref()),
            ),
            api_url: base(reader, "GITHUB_API_URL", api_url).unwrap_or(api_by_default),
            url: github_url,
        },
        facebook: FacebookConfig {
            client: client(
                reader,
                ("FACEBOOK_CLIENT_ID", settings.facebook_client_id.as_deref()),
                ("FACEBOOK_CLIENT_SECRET", secrets.facebook.as_ref()),
            ),
            url: base(reader, "FACEBOOK_URL", &settings.facebook_url)
                .unwrap_or(default.facebook.url),
            graph_url: base(reader, "FACEBOOK_GRAPH_URL", &settings.facebook_graph_url)
                .unwrap_or(default.facebook.graph_url),
        },
        issuers: secrets
            .issuers
            .iter()
            .filter_map(|(name, texts)| other_issuer(reader, name, texts))
            .collect(),
        timing: OauthTiming::default(),
    }
}

/// An issuer that an operator named.
fn other_issuer(reader: &mut Reader, name: &str, texts: &IssuerTexts) -> Option<IssuerConfig> {
    let setting = |part: &str| format!("OIDC_{name}_{part}");
    let in_addresses = name.to_lowercase().replace('_', "-");
    let known = RESERVED.contains(&in_addresses.as_str());
    if known {
        reader.refuse(
            setting("ISSUER"),
            "must have another name: this one is taken",
        );
    }
    let Some(url) = texts.issuer.as_deref() else {
        reader.refuse(setting("ISSUER"), "must be set with the others of its name");
        return None;
    };
    let url = issuer(reader, setting("ISSUER"), url);
    let client = client(
        reader,
        (setting("CLIENT_ID"), texts.client_id.as_deref()),
        (setting("CLIENT_SECRET"), texts.client_secret.as_ref()),
    );
    if texts.client_id.is_none() && texts.client_secret.is_none() {
        reader.refuse(
            setting("CLIENT_ID"),
            "must be set with the others of its name",
        );
    }
    let label = texts.label.as_deref().map_or(name, str::trim);
    if label.chars().count() > MAX_LABEL || label.contains(char::is_control) {
        reader.refuse(
            setting("LABEL"),
            format!("must be at most {MAX_LABEL} printable characters"),
        );
        return None;
    }
    Some(IssuerConfig {
        name: in_addresses,
        label: label.to_owned(),
        issuer: url?,
        client: client?,
    })
}

/// What a provider knows the server by: both parts or none.
fn client<S: Into<std::borrow::Cow<'static, str>>>(
    reader: &mut Reader,
    (id_setting, id): (S, Option<&str>),
    (secret_setting, secret): (S, Option<&SecretString>),
) -> Option<ClientCredentials> {
    let (id_setting, secret_setting) = (id_setting.into(), secret_setting.into());
    let id = id.map(str::trim).filter(|id| !id.is_empty());
    if let Some(id) = id
        && (id.len() > 500 || !id.bytes().all(|b| b.is_ascii_graphic()))
    {
        reader.refuse(
            id_setting,
            "must be at most 500 printable ASCII characters without spaces",
        );
        return None;
    }
    match (id, secret) {
        (Some(id), Some(secret)) => Some(ClientCredentials {
            id: id.to_owned(),
            secret: secret.clone(),
        }),
        (Some(_), None) => {
            let reason = format!("must be set when {id_setting} is");
            reader.refuse(secret_setting, reason);
            None
        }
        (None, Some(_)) => {
            let reason = format!("must be set when {secret_setting} is");
            reader.refuse(id_setting, reason);
            None
        }
        (None, None) => None,
    }
}

/// An issuer's name for itself, which is an address; kept letter by letter.
fn issuer(
    reader: &mut Reader,
    setting: impl Into<std::borrow::Cow<'static, str>>,
    text: &str,
) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if safe_address(text).is_some() {
        return Some(text.to_owned());
    }
    reader.refuse(setting, ADDRESS);
    None
}

/// The beginning of addresses, without a slash at its end.
fn base(reader: &mut Reader, setting: &'static str, text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let url = safe_address(text);
    if url.is_none() {
        reader.refuse(setting, ADDRESS);
    }
    url.map(|url| url.as_str().trim_end_matches('/').to_owned())
}

const ADDRESS: &str = "must be an https address without a query (http on this machine alone)";

/// An address that nobody on the way can read or change what is sent to.
fn safe_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let here = match url.host()? {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    };
    let plain = (url.scheme() == "https" || (url.scheme() == "http" && here))
        && !text.contains(|c: char| c.is_control() || c.is_whitespace())
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    plain.then_some(url)
}

/// Where providers send people back to; kept letter by letter, as providers compare it.
fn redirect_url(reader: &mut Reader, text: Option<&str>) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    let with_a_name = text.replace(PROVIDER, "name");
    let url = Url::parse(&with_a_name).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && !url.path().ends_with('/')
            && !text.contains(|c: char| c.is_control() || c.is_whitespace())
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if url.is_none() {
        reader.refuse(
            "OAUTH_REDIRECT_URL",
            "must be an address such as https://chat.example.org/api/auth/oauth/callback, without \
             a slash at its end",
        );
        return None;
    }
    Some(text.to_owned())
}

fn ca_path(reader: &mut Reader, text: Option<&str>) -> Option<PathBuf> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    if text.contains(char::is_control) {
        reader.refuse("OAUTH_CA_PATH", "must not hold control characters");
        return None;
    }
    Some(PathBuf::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(issuer: Option<&str>, id: Option<&str>, secret: Option<&str>) -> IssuerTexts {
        IssuerTexts {
            issuer: issuer.map(str::to_owned),
            client_id: id.map(str::to_owned),
            client_secret: secret.map(SecretString::from),
            label: None,
        }
    }

    fn refused(name: &str, texts: &IssuerTexts) -> Vec<String> {
        let mut reader = Reader::default();
        let _ = other_issuer(&mut reader, name, texts);
        let problems = reader.finish(()).err().map(|error| error.0);
        let problems = problems.unwrap_or_default().into_iter();
        problems.map(|told| told.setting.into_owned()).collect()
    }

    #[test]
    fn an_issuer_is_set_whole() {
        let home = Some("https://home.example/realms/a/");
        let mut reader = Reader::default();
        let read = other_issuer(
            &mut reader,
            "MY_HOME",
            &texts(home, Some("parlor"), Some("hush")),
        );
        let read = read.unwrap();
        assert_eq!(
            (read.name.as_str(), read.label.as_str()),
            ("my-home", "MY_HOME")
        );
        assert_eq!(Some(read.issuer.as_str()), home, "letter by letter");
        for (texts, wrong) in [
            (texts(home, Some("parlor"), None), "OIDC_A_CLIENT_SECRET"),
            (texts(home, None, Some("hush")), "OIDC_A_CLIENT_ID"),
            (texts(home, None, None), "OIDC_A_CLIENT_ID"),
            (texts(None, Some("parlor"), Some("hush")), "OIDC_A_ISSUER"),
            (
                texts(Some("http://h.example"), Some("p"), Some("s")),
                "OIDC_A_ISSUER",
            ),
            (texts(home, Some("a b"), Some("s")), "OIDC_A_CLIENT_ID"),
        ] {
            assert_eq!(refused("A", &texts), [wrong], "{texts:?}");
        }
        let taken = texts(home, Some("parlor"), Some("hush"));
        assert_eq!(refused("CALLBACK", &taken), ["OIDC_CALLBACK_ISSUER"]);
    }

    #[test]
    fn a_way_back_leads_to_one_place() {
        let read = |text: &str| {
            let mut reader = Reader::default();
            let url = redirect_url(&mut reader, Some(text));
            (url, reader.finish(()).is_ok())
        };
        for good in [
            "https://a.example/back",
            "http://a.example:81/x/{provider}/back",
            "https://a.example/{provider}",
        ] {
            assert_eq!(read(good), (Some(good.to_owned()), true));
        }
        for bad in [
            "https://a.example",
            "https://a.example/back/",
            "https://a.example/back?x",
            "https://a.example/back#x",
            "https://u@a.example/back",
            "https://a.example/a b",
            "ftp://a.example/back",
            "back",
        ] {
            assert_eq!(read(bad), (None, false), "{bad}");
        }
        assert_eq!(read(" "), (None, true), "none is set");
    }

    #[test]
    fn nobody_on_the_way_hears_what_providers_are_told() {
        for good in [
            "https://a.example",
            "http://localhost:8080/x",
            "http://127.0.0.1:1",
            "http://[::1]:1",
        ] {
            assert!(safe_address(good).is_some(), "{good}");
        }
        for bad in [
            "http://a.example",
            "https://u:p@a.example",
            "https://a.example/?x",
            "https://a.example/\tb",
            "ftp://localhost",
            "a.example",
        ] {
            assert!(safe_address(bad).is_none(), "{bad}");
        }
    }
}
