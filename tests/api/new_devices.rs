//! A sign-in from where nobody was before is told, whatever the device calls itself.

use reqwest::{Method, header};
use serde_json::json;

use crate::{
    guessing::{DEVICE, device},
    harness::{Answer, PASSWORD, Person, PostOffice, TestApp},
    mail::{send_to, settled, verified},
};

const PHONE: &str = "Phone/1.0";

async fn sign_in(app: &TestApp, person: &Person, from: &str, cookie: Option<&str>) -> Answer {
    let api = app.api();
    let login = json!({"email": person.email, "password": PASSWORD, "cookie": true});
    let request = api.request(Method::POST, "/api/auth/login").json(&login);
    let mut request = request
        .header("user-agent", PHONE)
        .header("x-forwarded-for", from);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, format!("{DEVICE}={cookie}"));
    }
    api.answer(request).await
}

/// The networks from which sign-ins were told, in order.
async fn told(app: &TestApp, office: &PostOffice, person: &Person) -> Vec<String> {
    settled(app).await;
    let mails = office.mails().into_iter();
    let mails = mails.filter(|mail| mail.to == person.email);
    let news = mails.filter(|mail| mail.header("Subject").starts_with("New sign-in"));
    let address = |mail: crate::harness::Mail| {
        let plain = mail.part("text/plain");
        let line = plain
            .lines()
            .find_map(|line| line.strip_prefix("Address: "));
        line.expect("an address").to_owned()
    };
    let mut told: Vec<_> = news.map(address).collect();
    told.sort();
    told
}

/// What a browser calls itself is no secret: who knows the password copies that, too.
#[tokio::test]
async fn who_calls_himself_like_a_known_device_is_told_of() {
    let office = PostOffice::open().await;
    let app = TestApp::with(|config| {
        send_to(config, &office);
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let alice = verified(&app, &office, "alice").await;
    let (home, train, thief) = ("203.0.113.1", "203.0.113.200", "198.51.100.9");
    let first = sign_in(&app, &alice, home, None).await;
    let secret = device(&first).expect("a cookie");
    first.ok(200);
    assert_eq!(told(&app, &office, &alice).await, [home]);

    sign_in(&app, &alice, thief, None).await.ok(200);
    let made_up = "A".repeat(43);
    let another = "198.51.100.77";
    sign_in(&app, &alice, another, Some(&made_up)).await.ok(200);
    assert_eq!(told(&app, &office, &alice).await, [another, thief, home]);

    // The same network and the same device; and the very device, wherever it is.
    sign_in(&app, &alice, home, None).await.ok(200);
    sign_in(&app, &alice, train, Some(&secret)).await.ok(200);
    assert_eq!(told(&app, &office, &alice).await.len(), 3);
}
