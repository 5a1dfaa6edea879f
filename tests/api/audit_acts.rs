//! Every act that the audit log knows, done through its door and found there.

use std::collections::HashSet;

use parlor::domain::{
    audit::{Act, Via},
    ids::UserId,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{
        Browser, Client, Enrolled, Kind, PASSWORD, Person, PostOffice, Provider, SecurityKey,
        TestApp, Trouble, until,
    },
    jobs::jobs,
    mail::{send_to, verify},
};

/// Who did it, as far as the log may know.
#[derive(Clone, Copy)]
enum Who<'a> {
    Person(&'a Person),
    /// Somebody who did not prove who he is.
    Stranger,
    CommandLine,
    Server,
}

/// A server with all that acts need, its admin, and the acts that were found.
struct Scene {
    app: TestApp,
    office: PostOffice,
    github: Provider,
    admin: Person,
    found: HashSet<Act>,
}

impl Scene {
    async fn new() -> Self {
        let office = PostOffice::open().await;
        let github = Provider::start(Kind::Github).await;
        let app = TestApp::with(|config| {
            send_to(config, &office);
            github.believed_by(config);
        })
        .await;
        let admin = app.admin().await;
        Self {
            app,
            office,
            github,
            admin,
            found: HashSet::new(),
        }
    }

    fn api(&self, person: &Person) -> Client {
        self.app.as_user(person)
    }

    /// The newest entry of an act: who did it, to what, and from where.
    async fn holds(&mut self, act: Act, who: Who<'_>, kind: &str, target: &str) {
        let path = format!("/api/audit?limit=200&act={}", act.as_str());
        let page = self.api(&self.admin).get(&path).await.ok(200);
        let mut entries = page["data"].as_array().expect("a list").iter();
        let entry = entries.find(|entry| entry["act"] == act.as_str());
        let entry = entry.unwrap_or_else(|| panic!("no {act:?} in {page}"));
        assert_eq!(
            (&entry["target_kind"], &entry["target_id"]),
            (&text(kind), &text(target)),
            "{entry}"
        );
        let (actor, via) = match who {
            Who::Person(person) => (json!(person.id), Via::Api),
            Who::Stranger => (Value::Null, Via::Api),
            Who::CommandLine => (Value::Null, Via::CommandLine),
            Who::Server => (Value::Null, Via::Server),
        };
        assert_eq!(entry["actor_id"], actor, "{entry}");
        assert_eq!(entry["via"], via.as_str(), "{entry}");
        let came_in = via == Via::Api;
        assert_eq!(entry["address"] == "127.0.0.1", came_in, "{entry}");
        assert_eq!(entry["request_id"].is_string(), came_in, "{entry}");
        self.found.insert(act);
    }

    /// The same, of what was done to a user.
    async fn was_done_to(&mut self, act: Act, who: Who<'_>, user: UserId) {
        self.holds(act, who, "user", &user.to_string()).await;
    }

    /// The same, of what a person did to himself.
    async fn was_own(&mut self, act: Act, person: &Person) {
        self.was_done_to(act, Who::Person(person), person.id).await;
    }

    async fn accounts(&mut self) {
        let admin = self.admin.clone();
        self.was_done_to(Act::UserFirstAdmin, Who::Server, admin.id)
            .await;
        let alice = self.app.client("alice").await;
        self.was_done_to(Act::UserCreate, Who::Stranger, alice.id)
            .await;
        self.was_own(Act::LoginOpen, &alice).await;
        let change = json!({"bio": "x"});
        self.api(&alice)
            .update_user(alice.id, &change)
            .await
            .ok(200);
        self.was_own(Act::UserUpdate, &alice).await;
        let change = json!({"email": "alicia@parlor.example", "current_password": PASSWORD});
        self.api(&alice)
            .update_user(alice.id, &change)
            .await
            .ok(200);
        self.was_own(Act::UserEmail, &alice).await;
        let change = json!({"password": "Another-Horse-2", "current_password": PASSWORD});
        self.api(&alice)
            .update_user(alice.id, &change)
            .await
            .ok(200);
        self.was_own(Act::UserPassword, &alice).await;
        for (change, act) in [
            (json!({"role": "trainer"}), Act::UserRole),
            (json!({"active": false}), Act::UserDeactivate),
            (json!({"active": true}), Act::UserActivate),
        ] {
            self.api(&admin)
                .update_user(alice.id, &change)
                .await
                .ok(200);
            self.was_done_to(act, Who::Person(&admin), alice.id).await;
        }
        self.api(&admin).delete_user(alice.id).await.ok(204);
        self.was_done_to(Act::UserDelete, Who::Person(&admin), alice.id)
            .await;
    }

    async fn mails(&mut self) {
        let bob = self.app.client("bob").await;
        let mail = self.office.mail_to(&bob.email, "Verify").await;
        verify(&self.app, &bob, &mail.token("verify")).await.ok(204);
        self.was_done_to(Act::EmailVerify, Who::Person(&bob), bob.id)
            .await;
        // A link says whose mail was read, and not who read it.
        let who = Who::Stranger;
        let body = json!({"email": bob.email});
        let api = self.app.api();
        let path = "/api/auth/password/forgot";
        api.post(path, &body).await.ok(202);
        let mail = self.office.mail_to(&bob.email, "Reset").await;
        self.was_done_to(Act::PasswordResetRequest, who, bob.id)
            .await;
        let body = json!({"token": mail.token("reset"), "password": "Another-Horse-2"});
        let path = "/api/auth/password/reset";
        api.post(path, &body).await.ok(204);
        self.was_done_to(Act::PasswordReset, who, bob.id).await;
    }

    async fn jobs(&mut self) {
        let admin = self.admin.clone();
        let api = self.api(&admin);
        until(async || jobs(&api, "waiting").await.is_empty()).await;
        for (name, act) in [("jim", Act::JobRetry), ("joe", Act::JobDelete)] {
            self.office.next_fails(Trouble::Message(554));
            self.app.client(name).await;
            until(async || jobs(&api, "dead").await.len() == 1).await;
            let job = jobs(&api, "dead").await.remove(0);
            let id = job["id"].as_str().expect("an id");
            let path = format!("/api/admin/jobs/{id}");
            let done = match act {
                Act::JobRetry => api.post(&format!("{path}/retry"), &json!({})).await,
                _ => api.call(Method::DELETE, &path).await,
            };
            done.ok(204);
            self.holds(act, Who::Person(&admin), "job", id).await;
        }
    }

    async fn logins(&mut self) {
        let carol = self.app.client("carol").await;
        self.api(&carol).logout().await.ok(204);
        self.was_own(Act::LoginEnd, &carol).await;
        let carol = self.app.sign_in(&carol.email, PASSWORD).await;
        self.api(&carol).logout_everywhere().await.ok(204);
        self.was_own(Act::LoginEndAll, &carol).await;
        let carol = self.app.sign_in(&carol.email, PASSWORD).await;
        let api = self.app.api();
        let next = api.refresh(&carol.refresh_token).await.ok(200);
        let next = next["refresh_token"].as_str().expect("a token");
        api.refresh(next).await.ok(200);
        let reused = api.refresh(&carol.refresh_token).await;
        reused.refused(401, "unauthenticated");
        self.was_done_to(Act::LoginReuse, Who::Stranger, carol.id)
            .await;
    }

    async fn roles_and_rooms(&mut self) {
        let admin = self.admin.clone();
        let api = self.api(&admin);
        let role = json!({
            "name": "analyst", "about": "Counts.", "permissions": ["users.read"],
            "requires_two_factor": false,
        });
        api.post("/api/roles", &role).await.ok(201);
        let path = "/api/roles/analyst";
        let who = Who::Person(&admin);
        self.holds(Act::RoleCreate, who, "role", "analyst").await;
        let change = json!({"about": "Counts more."});
        api.send(Method::PATCH, path, &change).await.ok(200);
        self.holds(Act::RoleChange, who, "role", "analyst").await;
        api.call(Method::DELETE, path).await.ok(204);
        self.holds(Act::RoleDelete, who, "role", "analyst").await;
        api.create_room(&json!({"name": "Tea"})).await.ok(201);
        self.holds(Act::RoomCreate, who, "room", "tea").await;
    }

    async fn tokens(&mut self) {
        let dora = self.app.client("dora").await;
        let (_, id) = crate::api_tokens::token(&self.api(&dora), &["users.read"]).await;
        self.was_own(Act::TokenCreate, &dora).await;
        let path = format!("/api/auth/tokens/{id}");
        self.api(&dora).call(Method::DELETE, &path).await.ok(204);
        self.was_own(Act::TokenRevoke, &dora).await;
    }

    async fn identities(&mut self) {
        let erin = self.app.client("erin").await;
        let octocat = json!({"user": {"id": 1, "login": "octo", "name": null}, "emails": []});
        let mut browser = Browser::new(&self.app);
        let linked = browser.link(&self.app, &erin, "github", &self.github, &octocat);
        assert_eq!(linked.await.status(), 303);
        self.was_own(Act::IdentityLink, &erin).await;
        let list = self.api(&erin).get("/api/auth/identities").await.ok(200);
        let id = list["data"][0]["id"].as_str().expect("an id");
        let path = format!("/api/auth/identities/{id}/remove");
        let proof = json!({"password": PASSWORD});
        self.api(&erin).post(&path, &proof).await.ok(204);
        self.was_own(Act::IdentityUnlink, &erin).await;
    }

    async fn second_factors(&mut self) {
        let (admin, frank) = (self.admin.clone(), self.app.client("frank").await);
        let Enrolled {
            app: phone,
            recovery_codes,
        } = self.app.enroll(&frank).await;
        self.was_own(Act::TwoFactorEnroll, &frank).await;
        let ticket = self.app.ticket(&frank).await;
        let step = self.app.second_step(&ticket, &recovery_codes[0]).await;
        step.ok(200);
        self.was_own(Act::RecoveryCodeUse, &frank).await;
        let path = "/api/auth/two-factor/recovery-codes";
        let body = json!({"password": PASSWORD, "code": phone.code()});
        self.api(&frank).post(path, &body).await.ok(200);
        self.was_own(Act::RecoveryCodeRenew, &frank).await;
        self.app.forget_steps().await;
        let body = json!({"password": PASSWORD, "code": phone.code()});
        let path = "/api/auth/two-factor/totp/remove";
        self.api(&frank).post(path, &body).await.ok(204);
        self.was_own(Act::TwoFactorRemove, &frank).await;
        self.app.enroll(&frank).await;
        self.app.reset_two_factor(&admin, &frank).await.ok(204);
        self.was_done_to(Act::TwoFactorReset, Who::Person(&admin), frank.id)
            .await;
    }

    async fn passkeys(&mut self) {
        let gina = self.app.client("gina").await;
        let api = self.api(&gina);
        let path = "/api/auth/passkeys/register";
        let password = json!({"password": PASSWORD});
        let started = api.post(&format!("{path}/start"), &password).await.ok(200);
        let credential = SecurityKey::new(&self.app.url).create(&started["options"]);
        let ceremony = &started["ceremony"];
        let body = json!({"ceremony": ceremony, "name": "key", "credential": credential});
        let passkey = api.post(&format!("{path}/finish"), &body).await.ok(201);
        self.was_own(Act::PasskeyAdd, &gina).await;
        let path = format!("/api/auth/passkeys/{}", passkey["id"].as_str().unwrap());
        let name = json!({"name": "ring"});
        api.send(Method::PATCH, &path, &name).await.ok(200);
        self.was_own(Act::PasskeyRename, &gina).await;
        api.post(&format!("{path}/remove"), &password).await.ok(204);
        self.was_own(Act::PasskeyRemove, &gina).await;
    }

    async fn keys(&mut self) {
        let mut names = Vec::new();
        for _ in 0..2 {
            let rotated = self.app.home.run(&["keys", "rotate"]).await;
            assert!(rotated.status.success(), "{rotated:?}");
            let said = String::from_utf8(rotated.stdout).unwrap();
            let (name, _) = said.split_once(' ').expect("a name");
            names.push(name.to_owned());
            let who = Who::CommandLine;
            self.holds(Act::KeyRotate, who, "key", name).await;
        }
        let retired = self.app.home.run(&["keys", "retire", &names[0]]).await;
        assert!(retired.status.success(), "{retired:?}");
        let who = Who::CommandLine;
        self.holds(Act::KeyRetire, who, "key", &names[0]).await;
    }

    async fn export(&mut self) {
        let admin = self.admin.clone();
        let answer = self.api(&admin).get("/api/audit/export").await;
        assert_eq!(answer.status(), 200, "{answer}");
        let who = Who::Person(&admin);
        self.holds(Act::AuditExport, who, "", "").await;
    }
}

/// What stands in an entry; nothing for no text.
fn text(text: &str) -> Value {
    match text {
        "" => Value::Null,
        text => json!(text),
    }
}

#[tokio::test]
async fn every_act_is_found_with_who_and_whom() {
    let mut scene = Scene::new().await;
    scene.accounts().await;
    scene.mails().await;
    scene.jobs().await;
    scene.logins().await;
    scene.roles_and_rooms().await;
    scene.tokens().await;
    scene.identities().await;
    scene.second_factors().await;
    scene.passkeys().await;
    scene.export().await;
    scene.keys().await;
    // No server may run while a database is restored: `backup.rs` has it.
    scene.found.insert(Act::DatabaseRestore);
    let missing: Vec<_> = Act::ALL
        .iter()
        .filter(|act| !scene.found.contains(act))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
