use proptest::prelude::*;
use secrecy::SecretString;

use super::{super::*, settings};

/// Some texts that a setting takes, and for free text one that it should not.
fn fitting(variable: &str) -> &'static [&'static str] {
    match variable {
        "HOST" => &["localhost", "::1", "[::1]", "0.0.0.0"],
        "PUBLIC_URL" => &["https://chat.example.org", "http://a.example:81/"],
        "CORS_ORIGINS" => &["*", "https://a.example , http://b.example:80"],
        "TRUSTED_PROXIES" => &["10.0.0.0/8, ::1", "127.0.0.1"],
        "DATABASE_URL" => &[
            "sqlite://data/x.db",
            "sqlite://x.db?mode=rwc",
            "sqlite://x\ny.db",
            "postgres://u:p@h/d",
            "postgres://h/d?password=p",
        ],
        "RUST_LOG" => &["info", "debug,parlor=trace", "warn,\ninfo"],
        "LOG_FORMAT" => &["json", " Pretty "],
        "REGISTRATION" => &["open", "CLOSED"],
        "JWT_ALGORITHM" => &["HS256", "eddsa"],
        "ENABLE_HTTPS" | "ALLOW_UNSAFE_DATABASE" => &["true", "0", "False"],
        "SMTP_HOST" => &["mail.example.org", "[::1]"],
        "SMTP_TLS" => &["tls", " None ", "STARTTLS"],
        // Only with a password is there one.
        "SMTP_USERNAME" => &["", " "],
        "MAIL_FROM" => &["chat@example.org", "The \"Parlor\" <chat@example.org>"],
        "MAIL_LINKS" => &["log", "Off"],
        "SSL_CERT_PATH" | "SSL_KEY_PATH" | "SMTP_CA_PATH" => &["my certs/c.pem", "a\nPORT=1", "=x"],
        "ADMIN_EMAIL" => &["admin@parlor.example"],
        "OAUTH_REDIRECT_URL" => &["https://a.example/back", "http://a.example:81/{provider}"],
        "GOOGLE_ISSUER" | "GITHUB_URL" | "GITHUB_API_URL" | "FACEBOOK_URL"
        | "FACEBOOK_GRAPH_URL" => &["https://a.example", "http://localhost:81/x/", "http://a.b"],
        "OAUTH_CA_PATH" => &["my certs/ca.pem", "a\nPORT=1"],
        "PORT" | "MAX_CONNECTIONS" | "SHUTDOWN_SECONDS" | "TYPING_SECONDS" => &["0", " 600 "],
        _ => &["4", "7", "0012"],
    }
}

/// Any text at all, most of it near something.
fn other() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[0-9]{1,30}",
        "[ -~]{0,30}",
        "(sqlite://)?[a-z,=\n\t\u{1b}]{1,6}",
        "(https?|sqlite|postgres)://[ -~]{0,20}",
        any::<String>(),
    ]
}

fn secret() -> impl Strategy<Value = Option<SecretString>> {
    let text = prop_oneof![
        4 => Just("Correct-Horse-1-Battery-Staple-2".to_owned()),
        1 => "[ -~]{0,80}",
        1 => any::<String>(),
    ];
    prop::option::of(text.prop_map(SecretString::from))
}

fn secrets() -> impl Strategy<Value = Secrets> {
    [secret(), secret(), secret(), secret(), secret()].prop_map(|secrets| {
        let [
            jwt_secret,
            jwt_secret_previous,
            encryption_key,
            admin_password,
            metrics_token,
        ] = secrets;
        Secrets {
            jwt_secret,
            jwt_secret_previous,
            encryption_key,
            admin_password,
            metrics_token,
            ..Secrets::default()
        }
    })
}

/// Every setting's environment variable and flag.
fn names() -> Vec<(String, String)> {
    use clap::Args as _;
    let command = Settings::augment_args(clap::Command::new("parlor"));
    let names = command.get_arguments().map(|argument| {
        let variable = argument.get_env().unwrap().to_str().unwrap().to_owned();
        (variable, argument.get_long().unwrap().to_owned())
    });
    names.collect()
}

fn written(values: &[(String, String)]) -> Settings {
    let flags: Vec<_> = values
        .iter()
        .map(|(flag, value)| format!("--{flag}={value}"))
        .collect();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    settings(&flags)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// A wrong setting is told by its name, and the others by theirs; what is shown of good ones
    /// means the same when it is written down again.
    #[test]
    fn any_settings_are_good_or_every_problem_is_told(
        chosen in prop::collection::vec(
            (any::<[prop::sample::Index; 2]>(), prop::option::weighted(0.1, other())),
            0..5,
        ),
        secrets in secrets(),
    ) {
        let names = names();
        let mut values: Vec<(String, String)> = Vec::new();
        for ([which, what], other) in chosen {
            let (variable, flag) = which.get(&names);
            let fitting = what.get(fitting(variable));
            values.retain(|(chosen, _)| chosen != flag);
            values.push((flag.clone(), other.unwrap_or_else(|| (*fitting).to_owned())));
        }
        match Config::from_settings(&written(&values), &secrets) {
            Err(ConfigError(problems)) => {
                prop_assert!(!problems.is_empty());
                let of_client = |name: &str| name.ends_with("_CLIENT_SECRET");
                let secret = [
                    "JWT_SECRET",
                    "JWT_SECRET_PREVIOUS",
                    "ENCRYPTION_KEY",
                    "ADMIN_PASSWORD",
                    "METRICS_TOKEN",
                    "SMTP_PASSWORD",
                ];
                for problem in &problems {
                    let named = names.iter().any(|(variable, _)| *variable == problem.setting);
                    let name = &*problem.setting;
                    let secret = secret.contains(&name) || of_client(name);
                    prop_assert!(named || secret, "{:?}", problem);
                    prop_assert!(!problem.reason.is_empty());
                }
                // Each by itself is wrong, too: no problem hides behind another one.
                for (flag, value) in &values {
                    let alone = written(&[(flag.clone(), value.clone())]);
                    let Err(alone) = Config::from_settings(&alone, &secrets) else { continue };
                    for problem in alone.0 {
                        let told = problems.iter().any(|other| other.setting == problem.setting);
                        let of_pair = problem.setting.starts_with("ADMIN_");
                        prop_assert!(told || of_pair, "{:?} is not in {:?}", problem, problems);
                    }
                }
            }
            Ok(config) => {
                let shown = config.to_string();
                prop_assert_eq!(shown.lines().count(), names.len() + 9, "{}", shown);
                let again = names.iter().map(|(variable, flag)| {
                    let prefix = format!("{variable}=");
                    let line = shown.lines().find_map(|line| line.strip_prefix(&prefix));
                    (flag.clone(), line.unwrap_or_else(|| panic!("no {variable}")).to_owned())
                });
                let again: Vec<_> = again.collect();
                let again = Config::from_settings(&written(&again), &secrets);
                prop_assert_eq!(again.map(|config| config.to_string()), Ok(shown));
            }
        }
    }
}
