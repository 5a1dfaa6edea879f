//! `parlor health`: asks a server whether it is ready, for containers, balancers and people.

mod answer;
mod target;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use clap::Args;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use self::{answer::Answer, target::Target};
use super::say;
use crate::{config::Config, tls};

/// A server's answer is far shorter; more is read from nobody.
const MAX_ANSWER: u64 = 64 * 1024;

/// Whom to ask, and how long.
#[derive(Debug, Args)]
pub struct Health {
    /// Where the server is, such as `https://localhost:8080`. By default where these settings put
    /// it. Its certificate is believed if it is the one at SSL_CERT_PATH, or if a public authority
    /// or ca.pem beside it signed it.
    url: Option<String>,
    /// How long the whole may take, in seconds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
}

impl Health {
    /// Asks once.
    ///
    /// # Errors
    /// Nobody answers in time, who answers is not believed, or the server is not ready.
    pub(super) async fn ask(&self, config: &Config) -> anyhow::Result<()> {
        let target = match &self.url {
            Some(url) => Target::named(url)?,
            None => Target::of_settings(&config.server)?,
        };
        let asked = timeout(
            Duration::from_secs(self.timeout),
            answer_of(&target, config),
        );
        let answer = asked
            .await
            .with_context(|| format!("{target} did not answer in {} s", self.timeout))?
            .with_context(|| format!("cannot ask {target}"))?;
        answer
            .ready()
            .with_context(|| format!("{target} is not ready"))?;
        say(&format!("{target} is ready"))
    }
}

async fn answer_of(target: &Target, config: &Config) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await?;
    let bytes = match &target.tls_name {
        None => exchange(stream, target).await?,
        Some(name) => {
            let connector = TlsConnector::from(Arc::new(tls::client_config(&config.server)?));
            exchange(connector.connect(name.clone(), stream).await?, target).await?
        }
    };
    Answer::parse(&bytes)
}

/// One request and its answer, as bytes.
async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    target: &Target,
) -> std::io::Result<Vec<u8>> {
    let request = format!(
        "GET /health/ready HTTP/1.1\r\nHost: {}\r\nUser-Agent: parlor/{}\r\nConnection: close\r\n\r\n",
        target.authority,
        env!("CARGO_PKG_VERSION"),
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut bytes = Vec::new();
    match stream.take(MAX_ANSWER).read_to_end(&mut bytes).await {
        // Some end a TLS connection without saying so; the answer is whole or cannot be read.
        Err(error) if bytes.is_empty() => Err(error),
        _ => Ok(bytes),
    }
}
