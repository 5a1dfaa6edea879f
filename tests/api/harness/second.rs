//! What people with a second factor do.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Person, TestApp, authenticator::App};

/// An authenticator app that was set up, and the codes for the day when it is gone.
pub struct Enrolled {
    pub app: App,
    pub recovery_codes: Vec<String>,
}

impl Enrolled {
    /// Reads the codes of an answer.
    pub fn new(app: App, answer: &Value) -> Self {
        let codes = answer["recovery_codes"].as_array().expect("the codes");
        let text = |code: &Value| code.as_str().expect("a code").to_owned();
        let recovery_codes: Vec<String> = codes.iter().map(text).collect();
        assert_eq!(recovery_codes.len(), 10);
        Self {
            app,
            recovery_codes,
        }
    }
}

impl TestApp {
    /// Begins to set up an app for somebody who has none.
    pub async fn begin_totp(&self, person: &Person) -> App {
        let body = json!({"password": person.password});
        let begun = self
            .as_user(person)
            .post("/api/auth/two-factor/totp", &body)
            .await;
        App::new(begun.ok(200)["secret"].as_str().expect("the secret"))
    }

    /// Sets up an app. The code of the present step counts no more, unless it is made to.
    pub async fn enroll(&self, person: &Person) -> Enrolled {
        let app = self.begin_totp(person).await;
        let body = json!({"code": app.code()});
        let path = "/api/auth/two-factor/totp/confirm";
        let confirmed = self.as_user(person).post(path, &body).await.ok(200);
        self.forget_steps().await;
        Enrolled::new(app, &confirmed)
    }

    /// As if the last code had been shown long ago.
    pub async fn forget_steps(&self) {
        let database = &self.home.database;
        database.execute("UPDATE totp SET last_step = 0").await;
    }

    /// Proves the password and gets a ticket.
    pub async fn ticket(&self, person: &Person) -> String {
        let step = self.first_step(person).await.ok(200);
        assert!(step.get("token").is_none(), "{step}");
        let ticket = step["second_factor"]["ticket"].as_str();
        ticket.expect("a ticket").to_owned()
    }

    /// Proves the password.
    pub async fn first_step(&self, person: &Person) -> Answer {
        let body = json!({"email": person.email, "password": person.password});
        self.api().login(&body).await
    }

    /// Shows a code with a ticket.
    pub async fn second_step(&self, ticket: &str, code: &str) -> Answer {
        let body = json!({"ticket": ticket, "code": code});
        self.api().post("/api/auth/login/second", &body).await
    }

    /// How somebody's account is guarded.
    pub async fn two_factor(&self, person: &Person) -> Value {
        let api = self.as_user(person);
        api.get("/api/auth/two-factor").await.ok(200)
    }

    /// An admin takes somebody's second factor away.
    pub async fn reset_two_factor(&self, admin: &Person, person: &Person) -> Answer {
        let path = format!("/api/users/{}/two-factor", person.id);
        self.as_user(admin).call(Method::DELETE, &path).await
    }
}
