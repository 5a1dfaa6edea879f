//! Settings: documented, checked at once, and kept secret where they are secrets.

use std::fs;

use crate::harness::{Home, Server, TestApp, finish};

const SETTINGS: [&str; 55] = [
    "ENCRYPTION_KEY",
    "GOOGLE_CLIENT_ID",
    "GITHUB_URL",
    "FACEBOOK_CLIENT_SECRET",
    "OIDC_",
    "OAUTH_REDIRECT_URL",
    "OAUTH_CA_PATH",
    "HOST",
    "PORT",
    "PUBLIC_URL",
    "DATABASE_URL",
    "DB_MAX_CONNECTIONS",
    "RUST_LOG",
    "LOG_FORMAT",
    "JWT_SECRET",
    "JWT_SECRET_PREVIOUS",
    "JWT_ALGORITHM",
    "JWT_EXPIRATION",
    "BCRYPT_COST",
    "ENABLE_HTTPS",
    "SSL_CERT_PATH",
    "SSL_KEY_PATH",
    "CORS_ORIGINS",
    "ADMIN_EMAIL",
    "ADMIN_PASSWORD",
    "REGISTRATION",
    "METRICS_TOKEN",
    "TRUSTED_PROXIES",
    "MAX_CONNECTIONS",
    "MAX_CONNECTIONS_PER_USER",
    "SOCKETS_PER_MINUTE",
    "MESSAGES_PER_SECOND",
    "LOGIN_ATTEMPTS_PER_MINUTE",
    "REGISTRATIONS_PER_MINUTE",
    "TYPING_SECONDS",
    "SHUTDOWN_SECONDS",
    "LOGIN_IDLE_SECONDS",
    "LOGIN_LIFETIME_SECONDS",
    "ROOM_MESSAGES_PER_SECOND",
    "JOINS_PER_MINUTE",
    "ROOM_JOINS_PER_SECOND",
    "RESETS_PER_HOUR",
    "REFRESHES_PER_MINUTE",
    "OAUTH_REQUESTS_PER_MINUTE",
    "REQUESTS_PER_SECOND",
    "TYPING_PER_SECOND",
    "ROOM_TYPING_PER_SECOND",
    "SMTP_HOST",
    "SMTP_PORT",
    "SMTP_TLS",
    "SMTP_USERNAME",
    "SMTP_PASSWORD",
    "SMTP_CA_PATH",
    "MAIL_FROM",
    "MAIL_LINKS",
];

/// Settings that are wrong, each in its own way.
const WRONG: [(&str, &str); 17] = [
    ("ENCRYPTION_KEY", "too-short-for-a-key"),
    ("PORT", "eighty"),
    ("PUBLIC_URL", "not an address"),
    ("DATABASE_URL", "mysql://root:database-password@localhost/x"),
    ("DB_MAX_CONNECTIONS", "0"),
    ("LOG_FORMAT", "xml"),
    ("JWT_SECRET", "too-short-secret"),
    ("JWT_SECRET_PREVIOUS", "short-old-secret"),
    ("JWT_ALGORITHM", "RS256"),
    ("JWT_EXPIRATION", "-1"),
    ("BCRYPT_COST", "99"),
    ("ENABLE_HTTPS", "maybe"),
    ("CORS_ORIGINS", "ftp://x, nonsense"),
    ("ADMIN_PASSWORD", "weak-password"),
    ("REGISTRATION", "perhaps"),
    ("TRUSTED_PROXIES", "300.0.0.1"),
    ("MESSAGES_PER_SECOND", "many"),
];

#[tokio::test]
async fn help_documents_each_setting_and_none_that_is_not_there() {
    let home = Home::new().await;
    let output = home.run(&["--help"]).await;
    assert!(output.status.success(), "{output:?}");
    let help = String::from_utf8(output.stdout).unwrap();
    for setting in SETTINGS {
        let named = help.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        assert!(
            named.into_iter().any(|word| word == setting),
            "{setting} is missing in {help}"
        );
    }
    assert!(!help.contains("NATS_URL"), "it does nothing yet");
    for command in ["serve", "migrate", "user", "config", "backup", "restore"] {
        assert!(help.contains(command), "{command} is missing in {help}");
    }
}

/// An operator mends a list once, not one setting a try.
#[tokio::test]
async fn everything_wrong_is_told_at_once_and_no_secret_with_it() {
    let home = Home::new().await;
    for args in [&["serve"][..], &[], &["config", "check"]] {
        let mut command = home.command(args);
        command.envs(WRONG);
        let output = finish(command).await;
        assert!(!output.status.success(), "{args:?} goes on");
        let text = format!("{output:?}");
        for (setting, _) in WRONG {
            assert!(
                text.contains(setting),
                "{args:?}: {setting} is missing in {text}"
            );
        }
        for secret in ["database-password", "too-short-secret", "weak-password"] {
            assert!(!text.contains(secret), "{args:?} prints {secret}");
        }
    }
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().collect();
    assert!(
        left.is_empty(),
        "nothing is made before all is right: {left:?}"
    );
}

#[tokio::test]
async fn right_settings_are_found_right() {
    let home = Home::new().await;
    let output = home.run(&["config", "check"]).await;
    assert!(output.status.success(), "{output:?}");
    let text = format!("{output:?}");
    assert!(!text.contains(crate::harness::ADMIN_PASSWORD), "{text}");
}

#[tokio::test]
async fn an_env_file_counts_and_the_environment_and_flags_count_more() {
    let home = Home::new().await;
    fs::write(
        home.path().join(".env"),
        "REGISTRATION=closed\nTYPING_SECONDS=7\n",
    )
    .unwrap();
    let server = Server::start(&home).await;
    let body = crate::harness::registration("alice");
    server
        .api()
        .register(&body)
        .await
        .refused(403, "registration_closed");
    server.signal("TERM").await;
    assert!(server.ended().await.0.success());

    let server = Server::with(&home, &[("REGISTRATION", "open")]).await;
    server.client("alice").await;
    server.signal("TERM").await;
    assert!(server.ended().await.0.success());

    let mut command = home.command(&["serve", "--registration", "closed"]);
    command.env("REGISTRATION", "open");
    let server = Server::from(&home, command).await;
    let body = crate::harness::registration("bob");
    server
        .api()
        .register(&body)
        .await
        .refused(403, "registration_closed");
}

#[tokio::test]
async fn what_is_no_command_is_refused() {
    let home = Home::new().await;
    for args in [
        &["sevre"][..],
        &["--prot", "1"],
        &["user"],
        &["user", "promote"],
        &["backup"],
    ] {
        let output = home.run(args).await;
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    }
    let version = home.run(&["--version"]).await;
    let text = String::from_utf8(version.stdout).unwrap();
    assert_eq!(text.trim(), format!("parlor {}", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_public_url_is_the_own_origin() {
    let app = TestApp::with(|config| {
        config.server.public_url = Some("https://chat.parlor.example".parse().unwrap());
    })
    .await;
    let alice = app.client("alice").await;
    let origin = reqwest::header::ORIGIN;
    let own = app
        .ws(&alice)
        .header(origin.clone(), "https://chat.parlor.example");
    assert_eq!(own.answer().await.status(), 101);
    for other in ["https://evil.example", &app.url, "null"] {
        let other = app.ws(&alice).header(origin.clone(), other);
        other.answer().await.refused(403, "forbidden");
    }
}
