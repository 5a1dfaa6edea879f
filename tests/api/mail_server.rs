//! Mails to a mail server that others wrote. `script/mail` has it installed, and runs these.

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use parlor::config::{Config, SmtpConfig, SmtpTls};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{
    harness::{LIMIT, Mail, TestApp, until},
    mail::verify,
};

const LOGIN: (&str, &str) = ("parlor", "Mail-Horse-1");

/// aiosmtpd; it ends with this value.
struct Aiosmtpd {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Aiosmtpd {
    async fn start(args: &[&str]) -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(root.join("target/tools/python/bin/python"));
        let mut child = command
            .arg(root.join("tests/mail/server.py"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("script/mail installs it");
        let stdout = child.stdout.take().expect("its output");
        let mut lines = BufReader::new(stdout).lines();
        let port = lines.next_line().await.expect("a line").expect("a port");
        Self {
            _child: child,
            lines,
            port: port.parse().expect("a number"),
        }
    }

    /// The next message, and how it came.
    async fn next(&mut self) -> (Mail, Value) {
        let line = timeout(LIMIT, self.lines.next_line()).await;
        let line = line
            .expect("a mail comes")
            .expect("a line")
            .expect("one more");
        let report: Value = serde_json::from_str(&line).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let mail = Mail {
            from: text(&report["from"]),
            to: text(&report["to"][0]),
            text: text(&report["text"]),
        };
        (mail, report)
    }

    /// The message to somebody.
    async fn mail_to(&mut self, to: &str) -> (Mail, Value) {
        loop {
            let (mail, report) = self.next().await;
            if mail.to == to {
                return (mail, report);
            }
        }
    }

    fn config(&self, tls: SmtpTls) -> SmtpConfig {
        SmtpConfig {
            host: "localhost".to_owned(),
            port: self.port,
            tls,
            login: None,
            ca_path: None,
        }
    }
}

/// A certificate for `localhost` and the authority that signed it.
struct Certificate {
    _folder: tempfile::TempDir,
    ca: PathBuf,
    cert: PathBuf,
    key: PathBuf,
}

impl Certificate {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let (ca, cert, key) = (path("ca.pem"), path("cert.pem"), path("key.pem"));
        let ca_key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca_cert = params.self_signed(&ca_key).expect("an authority");
        let issuer = rcgen::Issuer::from_params(&params, &ca_key);
        let own_key = rcgen::KeyPair::generate().expect("a key");
        let own = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let own = own.signed_by(&own_key, &issuer).expect("a certificate");
        fs::write(&ca, ca_cert.pem()).expect("the authority's file");
        fs::write(&cert, own.pem()).expect("the certificate's file");
        fs::write(&key, own_key.serialize_pem()).expect("the key's file");
        Self {
            _folder: folder,
            ca,
            cert,
            key,
        }
    }

    fn args<'a>(&'a self, tls: &'a str) -> Vec<&'a str> {
        let text = |path: &'a PathBuf| path.to_str().expect("a path of UTF-8");
        vec![
            "--tls",
            tls,
            "--cert",
            text(&self.cert),
            "--key",
            text(&self.key),
        ]
    }
}

async fn app(smtp: SmtpConfig) -> TestApp {
    TestApp::with(|config: &mut Config| {
        config.mail.smtp = Some(smtp);
        config.jobs.backoff = Duration::from_millis(50);
        config.jobs.backoff_max = Duration::from_millis(50);
    })
    .await
}

/// From a registration to a verified address, over this server.
async fn goes_round(app: &TestApp, server: &mut Aiosmtpd) -> Value {
    let alice = app.client("alice").await;
    let (mail, report) = server.mail_to(&alice.email).await;
    assert_eq!(mail.header("From"), "Parlor <no-reply@localhost>");
    verify(app, &alice, &mail.token("verify")).await.ok(204);
    let me = app.as_user(&alice).me().await.ok(200);
    assert_eq!(me["email_verified"], true);
    report
}

/// Waits until the mail of the admin was tried and failed; gives the reason.
async fn failure(app: &TestApp) -> String {
    let admin = app.as_user(&app.admin().await);
    let mut reason = String::new();
    until(async || {
        let list = admin.get("/api/admin/jobs?state=waiting").await.ok(200);
        let error = list["data"][0]["last_error"].as_str();
        error.unwrap_or_default().clone_into(&mut reason);
        !reason.is_empty()
    })
    .await;
    reason
}

#[tokio::test]
#[ignore = "script/mail"]
async fn a_mail_goes_round_without_tls() {
    let mut server = Aiosmtpd::start(&[]).await;
    let app = app(server.config(SmtpTls::None)).await;
    let report = goes_round(&app, &mut server).await;
    assert_eq!(report["tls"], false);
}

#[tokio::test]
#[ignore = "script/mail"]
async fn a_mail_goes_round_with_tls_of_either_kind_and_a_sign_in() {
    let certificate = Certificate::make();
    let login = format!("{}:{}", LOGIN.0, LOGIN.1);
    for (word, tls) in [("starttls", SmtpTls::StartTls), ("tls", SmtpTls::Implicit)] {
        let args = [certificate.args(word), vec!["--login", &login]].concat();
        let mut server = Aiosmtpd::start(&args).await;
        let app = app(SmtpConfig {
            login: Some((LOGIN.0.to_owned(), LOGIN.1.into())),
            ca_path: Some(certificate.ca.clone()),
            ..server.config(tls)
        })
        .await;
        let report = goes_round(&app, &mut server).await;
        assert_eq!(report["tls"], true, "{word}");
        assert_eq!(report["login"], LOGIN.0, "{word}");
    }
}

/// Its owner mends the setting, and then the mails go: none was given up.
#[tokio::test]
#[ignore = "script/mail"]
async fn a_wrong_password_is_no_fault_of_the_mails() {
    let certificate = Certificate::make();
    let args = [
        certificate.args("starttls"),
        vec!["--login", "parlor:other"],
    ]
    .concat();
    let server = Aiosmtpd::start(&args).await;
    let app = app(SmtpConfig {
        login: Some((LOGIN.0.to_owned(), LOGIN.1.into())),
        ca_path: Some(certificate.ca.clone()),
        ..server.config(SmtpTls::StartTls)
    })
    .await;
    let reason = failure(&app).await;
    assert!(
        reason.contains("cannot sign in at the mail server"),
        "{reason}"
    );
    assert!(
        reason.contains("535") && !reason.contains(LOGIN.1),
        "{reason}"
    );
}

/// Whoever sits in between gets neither the password nor a link.
#[tokio::test]
#[ignore = "script/mail"]
async fn nothing_is_said_to_a_server_that_cannot_be_believed() {
    let (certificate, other) = (Certificate::make(), Certificate::make());
    for (word, tls) in [
        ("starttls", SmtpTls::StartTls),
        ("tls", SmtpTls::Implicit),
        // Somebody took STARTTLS out of what the server offers.
        ("none", SmtpTls::StartTls),
    ] {
        for ca_path in [Some(other.ca.clone()), None] {
            let args = match word {
                "none" => vec!["--tls", "none"],
                word => certificate.args(word),
            };
            let server = Aiosmtpd::start(&args).await;
            let app = app(SmtpConfig {
                ca_path,
                ..server.config(tls)
            })
            .await;
            let reason = failure(&app).await;
            let told = reason.contains("cannot speak to the mail server");
            assert!(told, "{word}: {reason}");
        }
    }
}

#[tokio::test]
#[ignore = "script/mail"]
async fn what_it_refuses_for_now_comes_again_and_for_good_does_not() {
    let refusals = [
        "--refuse",
        "451 later",
        "--refuse",
        "452 later",
        "--refuse",
        "554 never",
    ];
    let mut server = Aiosmtpd::start(&refusals).await;
    let smtp = server.config(SmtpTls::None);
    let app = TestApp::with(|config: &mut Config| {
        config.mail.smtp = Some(smtp);
        config.jobs.backoff = Duration::from_millis(50);
        // One after the other, so that the refusals come in this order.
        config.jobs.at_once = 1;
    })
    .await;
    let admin = app.as_user(&app.admin().await);
    until(async || {
        let list = admin.get("/api/admin/jobs?state=dead").await.ok(200);
        list["data"].as_array().is_some_and(|jobs| jobs.len() == 1)
    })
    .await;
    let list = admin.get("/api/admin/jobs").await.ok(200);
    let dead = &list["data"][0];
    assert_eq!(dead["attempts"], 3, "two for now, one for good: {dead}");
    let path = format!(
        "/api/admin/jobs/{}/retry",
        dead["id"].as_str().expect("an id")
    );
    admin.post(&path, &json!({})).await.ok(204);
    let (mail, _) = server.next().await;
    assert_eq!(mail.to, crate::harness::ADMIN_EMAIL);
}
