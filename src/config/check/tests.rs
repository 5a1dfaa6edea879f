mod properties;

use clap::{Args as _, FromArgMatches as _};

use super::*;

/// Reads flags as `parlor` does, but without the environment of whoever runs the tests.
fn settings(flags: &[&str]) -> Settings {
    let command = Settings::augment_args(clap::Command::new("parlor"))
        .mut_args(|arg| arg.env(clap::builder::Resettable::Reset));
    let line = std::iter::once("parlor").chain(flags.iter().copied());
    Settings::from_arg_matches(&command.get_matches_from(line)).unwrap()
}

fn config(flags: &[&str]) -> Result<Config, ConfigError> {
    Config::from_settings(&settings(flags), &Secrets::default())
}

fn refused(flags: &[&str]) -> Vec<String> {
    let problems = config(flags).err().map(|error| error.0).unwrap_or_default();
    problems
        .into_iter()
        .map(|problem| problem.setting.into_owned())
        .collect()
}

#[test]
fn what_help_promises_is_what_code_assumes() {
    let read = config(&[]).unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", Config::default()));
}

#[test]
fn a_blank_setting_means_its_default() {
    let blank = config(&["--port", "", "--log-format=", "--database-url=", "--host= "]).unwrap();
    assert_eq!(format!("{blank:?}"), format!("{:?}", Config::default()));
}

#[test]
fn every_problem_is_told_at_once() {
    let flags = [
        "--port=99999",
        "--bcrypt-cost=3",
        "--jwt-expiration=soon",
        "--log-format=xml",
        "--enable-https=perhaps",
        "--database-url=mysql://u:hunter2@h/d",
        "--trusted-proxies=10.0.0.0/8,elsewhere,::1",
        "--cors-origins=https://a.example/path",
        "--public-url=chat.example.org",
        "--registration=maybe",
        "--max-connections=-1",
        "--rust-log=parlor=shout",
    ];
    let secrets = Secrets {
        jwt_secret: Some("short".into()),
        encryption_key: Some("shorter".into()),
        jwt_secret_previous: Some("shorter".into()),
        admin_password: Some("alllower".into()),
        metrics_token: Some("two words".into()),
        ..Secrets::default()
    };
    let error = Config::from_settings(&settings(&flags), &secrets).unwrap_err();
    let named = |name: &str| error.0.iter().any(|problem| problem.setting == name);
    for name in [
        "ENCRYPTION_KEY",
        "PORT",
        "BCRYPT_COST",
        "JWT_EXPIRATION",
        "LOG_FORMAT",
        "ENABLE_HTTPS",
        "DATABASE_URL",
        "TRUSTED_PROXIES",
        "CORS_ORIGINS",
        "PUBLIC_URL",
        "REGISTRATION",
        "MAX_CONNECTIONS",
        "RUST_LOG",
        "JWT_SECRET",
        "JWT_SECRET_PREVIOUS",
        "ADMIN_EMAIL",
        "ADMIN_PASSWORD",
        "METRICS_TOKEN",
    ] {
        assert!(named(name), "{name} is not in: {error}");
    }
    let told = error.to_string();
    for secret in ["hunter2", "alllower", "two words"] {
        assert!(!told.contains(secret), "a secret is told: {told}");
    }
}

#[test]
fn a_database_is_a_file_or_a_server() {
    for good in [
        "sqlite://x.db",
        "sqlite:///srv/x.db?mode=rwc",
        "postgres://u@h/d",
        "postgresql:///d?host=/run/postgresql",
    ] {
        assert_eq!(refused(&["--database-url", good]), [""; 0], "{good}");
    }
    for bad in [
        "sqlite::memory:",
        "sqlite://",
        "sqlite://:memory:",
        "sqlite://folder/",
        "x.db",
    ] {
        assert_eq!(refused(&["--database-url", bad]), ["DATABASE_URL"], "{bad}");
    }
}

#[test]
fn the_secret_lies_beside_the_database() {
    let folder = |url| config(&["--database-url", url]).unwrap().server.data_dir;
    assert_eq!(
        folder("sqlite:///srv/parlor/x.db"),
        Path::new("/srv/parlor")
    );
    assert_eq!(folder("sqlite://x.db"), Path::new("."));
    assert_eq!(folder("postgres://h/d"), Path::new("data"));
}

#[test]
fn an_origin_is_written_as_browsers_write_it() {
    let read = config(&[
        "--cors-origins",
        "https://A.example:443/, http://b.example:8080",
    ]);
    let origins = read.unwrap().server.cors_origins;
    assert_eq!(origins, ["https://a.example", "http://b.example:8080"]);
    assert_eq!(
        config(&["--cors-origins=*"]).unwrap().server.cors_origins,
        ["*"]
    );
    assert_eq!(
        refused(&["--cors-origins=*,https://a.example"]),
        ["CORS_ORIGINS"]
    );
}

#[test]
fn a_host_is_a_name_or_an_address() {
    let host = |text| config(&["--host", text]).map(|read| read.server.host).ok();
    assert_eq!(host("[::1]").as_deref(), Some("::1"));
    assert_eq!(host("::").as_deref(), Some("::"));
    assert_eq!(
        host("chat.example.org").as_deref(),
        Some("chat.example.org")
    );
    for bad in ["a b", "http://x", "1.2.3.4:80"] {
        assert_eq!(host(bad), None, "{bad}");
    }
}

#[test]
fn the_first_admin_has_a_name_and_a_password() {
    let named = settings(&["--admin-email=ann@example.org"]);
    let mut secrets = Secrets::default();
    let error = Config::from_settings(&named, &secrets).unwrap_err();
    assert_eq!(error.0[0].setting, "ADMIN_PASSWORD");
    secrets.admin_password = Some("Secret123".into());
    let admin = Config::from_settings(&named, &secrets).unwrap().auth.admin;
    assert_eq!(admin.unwrap().0.as_str(), "ann@example.org");
}

#[test]
fn a_set_secret_is_of_one_kind() {
    let mut secrets = Secrets {
        jwt_secret_previous: Some("a".repeat(32).into()),
        ..Secrets::default()
    };
    let problem = |flags: &[&str], secrets: &Secrets| {
        let read = Config::from_settings(&settings(flags), secrets);
        read.err().map(|error| error.0[0].setting.to_string())
    };
    assert_eq!(problem(&[], &secrets).as_deref(), Some("JWT_SECRET"));
    secrets.jwt_secret = Some("b".repeat(32).into());
    assert_eq!(problem(&[], &secrets), None);
    let other = ["--jwt-algorithm=eddsa"];
    assert_eq!(problem(&other, &secrets).as_deref(), Some("JWT_ALGORITHM"));
    assert_eq!(problem(&other, &Secrets::default()), None);
}

#[test]
fn the_listing_tells_no_secret() {
    let mut config = config(&["--database-url=postgres://u:hunter2@h/d?password=hunter2"]).unwrap();
    config.server.metrics_token = Some("hunter2".into());
    config.auth.jwt_secret = Some("hunter2".repeat(5).into());
    config.auth.jwt_previous_secret = Some("hunter2".repeat(6).into());
    for told in [config.to_string(), format!("{config:?}")] {
        assert!(!told.contains("hunter2"), "{told}");
    }
    assert!(config.to_string().contains("METRICS_TOKEN=(set)"));
}
