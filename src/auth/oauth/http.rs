//! The one way in which providers are asked: over TLS, not for long, and never elsewhere.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use anyhow::{Context, ensure};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::ProviderError;
use crate::config::OauthConfig;

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// Requests that are under way at once, in all.
const AT_ONCE: usize = 64;

/// What providers see of us; GitHub wants it.
const USER_AGENT: &str = concat!("parlor/", env!("CARGO_PKG_VERSION"));

/// Asks providers. Cloning shares the connections.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    free: Arc<Semaphore>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("it cannot be reached: {}", causes(.0))]
    Request(#[from] reqwest::Error),
    #[error("its answer is longer than {MAX_ANSWER} bytes")]
    TooLong,
    #[error("it answers {0}")]
    Fault(reqwest::StatusCode),
    #[error("too many are asking at once")]
    Busy,
    #[error("the request cannot be made: {0}")]
    Malformed(#[from] ::oauth2::http::Error),
}

impl From<HttpError> for ProviderError {
    fn from(error: HttpError) -> Self {
        Self::unavailable(error)
    }
}

/// An error's causes without the address, whose query may hold a secret.
fn causes(error: &reqwest::Error) -> String {
    let mut told = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "no answer"
    };
    format!("{what}{told}")
}

impl Http {
    /// One that believes the public authorities, the system's and those of the settings.
    ///
    /// # Errors
    /// The authorities of the settings cannot be read.
    pub fn new(config: &OauthConfig) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(config)?)
            // A provider that sends elsewhere is asked nothing more: who knows where that is.
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(config.timing.connect)
            .timeout(config.timing.request)
            // A kept connection would live on the worker thread that opened it.
            .pool_max_idle_per_host(0)
            .build()
            .context("cannot make the client for sign-in providers")?;
        Ok(Self {
            client,
            free: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// Sends one request and reads its answer, whatever its status but a server's fault.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let _place = self.free.try_acquire().map_err(|_| HttpError::Busy)?;
        let mut answer = self.client.execute(request.try_into()?).await?;
        let status = answer.status();
        if status.is_server_error() || status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            return Err(HttpError::Fault(status));
        }
        let mut head = oauth2::http::Response::builder().status(status);
        if let Some(headers) = head.headers_mut() {
            *headers = std::mem::take(answer.headers_mut());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(HttpError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(head.body(body)?)
    }

    /// Asks for JSON with a token.
    ///
    /// # Errors
    /// It cannot be reached; or the answer is a refusal, or of another shape.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        address: &str,
        token: &oauth2::AccessToken,
        accept: &str,
    ) -> Result<T, ProviderError> {
        let request = oauth2::http::Request::get(address)
            .header("accept", accept)
            .header("authorization", format!("Bearer {}", token.secret()))
            .body(Vec::new())
            .map_err(HttpError::from)?;
        let answer = self.send(request).await?;
        if answer.status() != oauth2::http::StatusCode::OK {
            let status = answer.status();
            return Err(ProviderError::refused(format_args!("it answers {status}")));
        }
        serde_json::from_slice(answer.body()).map_err(|error| {
            // Where it is wrong, but not what it says.
            let (line, column) = (error.line(), error.column());
            ProviderError::refused(format_args!("its JSON is odd at {line}:{column}"))
        })
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

fn tls(config: &OauthConfig) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &config.ca_path {
        let shown = path.display();
        let own = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| anyhow::anyhow!("cannot read OAUTH_CA_PATH {shown}: {error}"))?;
        let (added, _) = roots.add_parsable_certificates(own);
        ensure!(added > 0, "OAUTH_CA_PATH {shown} holds no authority");
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
