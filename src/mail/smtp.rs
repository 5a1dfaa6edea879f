//! Handing a message over to the mail server.

use std::{fs, time::Duration};

use anyhow::{Context, anyhow};
use lettre::{
    Message,
    transport::smtp::{
        self,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
        extension::ClientId,
    },
};
use rustls::RootCertStore;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use url::{Host, Url};

use crate::config::{SmtpConfig, SmtpTls};

/// How long the server may take to greet, with TLS and all.
const CONNECT: Duration = Duration::from_secs(15);
/// How long it may take to let us in.
const SIGN_IN: Duration = Duration::from_secs(10);
/// How long it may take to accept a message: it may look for spam first.
const ACCEPT: Duration = Duration::from_secs(30);
/// How long it may take to say goodbye, which nothing depends on.
const GOODBYE: Duration = Duration::from_secs(1);

/// The ways to sign in, the ones that send the password as it is: there is TLS around them.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// Refusals that are the fault of our settings, not of the message (RFC 4954, section 6).
const OF_SETTINGS: [u16; 4] = [530, 534, 535, 538];

/// A mail server.
pub(super) struct Smtp {
    host: String,
    port: u16,
    /// How to make TLS, and whether from the first byte.
    tls: Option<(TlsParameters, bool)>,
    credentials: Option<Credentials>,
    /// What we call ourselves.
    name: ClientId,
}

/// Why a mail server did not take a message.
#[derive(Debug)]
pub(super) enum Undelivered {
    /// It may take it later.
    Later(anyhow::Error),
    /// It refused this very message for good.
    Never(anyhow::Error),
}

impl Smtp {
    /// Reads whom to believe.
    ///
    /// # Errors
    /// The authority's file cannot be read or holds no certificate.
    pub(super) fn new(config: &SmtpConfig, origin: &Url) -> anyhow::Result<Self> {
        let tls = match config.tls {
            SmtpTls::None => None,
            SmtpTls::StartTls => Some((parameters(config)?, false)),
            SmtpTls::Implicit => Some((parameters(config)?, true)),
        };
        let credentials = config.login.as_ref().map(|(name, password)| {
            Credentials::new(name.clone(), password.expose_secret().to_owned())
        });
        let name = match origin.host() {
            Some(Host::Domain(name)) => ClientId::Domain(name.to_owned()),
            Some(Host::Ipv4(address)) => ClientId::Ipv4(address),
            Some(Host::Ipv6(address)) => ClientId::Ipv6(address),
            None => ClientId::default(),
        };
        Ok(Self {
            host: config.host.clone(),
            port: config.port,
            tls,
            credentials,
            name,
        })
    }

    /// Hands a message over. Once the server has said that it took it, nothing that follows makes
    /// that a failure.
    pub(super) async fn send(&self, message: &Message) -> Result<(), Undelivered> {
        let mut connection = self.connect().await.map_err(Undelivered::Later)?;
        let bytes = message.formatted();
        let sent = connection.send(message.envelope(), &bytes);
        let sent = match timeout(ACCEPT, sent).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(undelivered(error)),
            Err(_) => Err(Undelivered::Later(too_slow("to take the message"))),
        };
        let _ = timeout(GOODBYE, connection.abort()).await;
        sent
    }

    async fn connect(&self) -> anyhow::Result<AsyncSmtpConnection> {
        let connecting = async {
            let implicit = match &self.tls {
                Some((tls, true)) => Some(tls.clone()),
                _ => None,
            };
            let to = (self.host.as_str(), self.port);
            let connecting =
                AsyncSmtpConnection::connect_tokio1(to, Some(CONNECT), &self.name, implicit, None);
            let mut connection = connecting.await?;
            // Refused where there is no STARTTLS: somebody on the way may have taken it out.
            if let Some((tls, false)) = &self.tls {
                connection.starttls(tls.clone(), &self.name).await?;
            }
            Ok::<_, smtp::Error>(connection)
        };
        let connected = timeout(CONNECT, connecting).await;
        let mut connection = connected
            .map_err(|_| too_slow("to greet"))?
            .context("cannot speak to the mail server")?;
        if let Some(credentials) = &self.credentials {
            let signed_in = timeout(SIGN_IN, connection.auth(&MECHANISMS, credentials)).await;
            signed_in
                .map_err(|_| too_slow("to let us in"))?
                .context("cannot sign in at the mail server")?;
        }
        Ok(connection)
    }
}

/// What a failure means that came after the server had let us in.
fn undelivered(error: smtp::Error) -> Undelivered {
    let of_settings = error
        .status()
        .is_some_and(|code| OF_SETTINGS.contains(&u16::from(code)));
    // A message that this server cannot take is the client's own fault: an address with letters
    // that the server does not know.
    let never = (error.is_permanent() && !of_settings) || error.is_client();
    let error = anyhow!(error).context("the mail server did not take it");
    if never {
        Undelivered::Never(error)
    } else {
        Undelivered::Later(error)
    }
}

fn too_slow(what: &str) -> anyhow::Error {
    anyhow!("the mail server took too long {what}")
}

/// TLS that believes the one authority that was set; otherwise the public ones and this machine's.
fn parameters(config: &SmtpConfig) -> anyhow::Result<TlsParameters> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(path) = &config.ca_path {
        let context = || format!("cannot read SMTP_CA_PATH, {}", path.display());
        let pem = fs::read(path).with_context(context)?;
        let authority = Certificate::from_pem(&pem).with_context(context)?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(authority);
    } else {
        builder = builder.certificate_store(CertificateStore::WebpkiRoots);
        for authority in rustls_native_certs::load_native_certs().certs {
            // Old ones that rustls does not take would spoil all others.
            if RootCertStore::empty().add(authority.clone()).is_ok() {
                let authority = Certificate::from_der(authority.to_vec())?;
                builder = builder.add_root_certificate(authority);
            }
        }
    }
    builder
        .build()
        .context("cannot speak TLS to the mail server")
}
