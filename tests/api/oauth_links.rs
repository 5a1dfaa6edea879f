//! Which accounts belong together, and who may say so.

use serde_json::{Value, json};

use crate::{
    harness::{
        Answer, Browser, Kind, Mail, Person, PostOffice, Provider, TestApp, ends_with, known,
        location,
    },
    mail::send_to,
};

fn octocat(id: u64, email: &str) -> Value {
    json!({
        "user": { "id": id, "login": format!("octocat{id}"), "name": null },
        "emails": [{ "email": email, "primary": true, "verified": true }],
    })
}

async fn app() -> (TestApp, Provider) {
    let github = Provider::start(Kind::Github).await;
    let app = TestApp::with(|config| github.believed_by(config)).await;
    (app, github)
}

async fn identities(app: &TestApp, person: &Person) -> Vec<Value> {
    let list = app
        .as_user(person)
        .get("/api/auth/identities")
        .await
        .ok(200);
    list["data"].as_array().expect("a list").clone()
}

async fn unlink(app: &TestApp, person: &Person, identity: &Value) -> Answer {
    let id = identity["id"].as_str().expect("an id");
    let path = format!("/api/auth/identities/{id}/remove");
    let proof = json!({"password": person.password});
    app.as_user(person).post(&path, &proof).await
}

/// Mallory registers with Alice's address, which she cannot prove, and waits for Alice to come with
/// GitHub and use her account.
#[tokio::test]
async fn an_account_that_waits_for_anothers_address_gets_nobody() {
    let (app, github) = app().await;
    let mut trap = crate::harness::registration("mallory");
    trap["email"] = json!("alice@cats.example");
    let mallory = app.api().register(&trap).await.ok(201);
    let alice = octocat(1, "Alice@cats.example");
    let mut browser = Browser::new(&app);
    browser
        .is_refused("github", &github, &alice, "email_in_use")
        .await;
    let answer = Browser::program(&app).go("github", &github, &alice).await;
    let told = answer.refused(409, "email_in_use");
    assert!(told["message"].as_str().unwrap().contains("link"), "{told}");
    let mallory = Person::from_login(&mallory, crate::harness::PASSWORD);
    assert!(identities(&app, &mallory).await.is_empty());
}

#[tokio::test]
async fn two_proved_addresses_are_one_person() {
    let (app, github) = app().await;
    let alice = app.client("alice").await;
    let prove = "UPDATE users SET email_verified_at = created_at WHERE username = 'alice'";
    app.home.database.execute(prove).await;
    let octo = octocat(1, "ALICE@parlor.example");
    let came = Browser::new(&app).sign_in("github", &github, &octo).await;
    assert_eq!(came.id, alice.id);
    assert_eq!(came.username, "alice");
    let [identity] = &identities(&app, &alice).await[..] else {
        panic!("one link")
    };
    assert_eq!(identity["provider"], "github");
    assert_eq!(identity["label"], "GitHub");
    assert_eq!(identity["name"], "octocat1");

    // Not with an address that GitHub did not prove.
    let mut other = octocat(2, "alice@parlor.example");
    other["emails"][0]["verified"] = json!(false);
    let mut browser = Browser::new(&app);
    browser
        .is_refused("github", &github, &other, "email_in_use")
        .await;
}

/// Else one could prove an address, change it to another one's, and wait.
#[tokio::test]
async fn a_changed_address_is_not_a_proved_one() {
    let (app, github) = app().await;
    let octo = octocat(1, "octo@cats.example");
    let mallory = Browser::new(&app).sign_in("github", &github, &octo).await;
    let changes = json!({ "email": "alice@cats.example" });
    let api = app.as_user(&mallory);
    let changed = api.update_user(mallory.id, &changes).await;
    if changed.status() != 200 {
        // Where a change must be confirmed, it is not made yet.
        return;
    }
    let alice = octocat(2, "alice@cats.example");
    let mut browser = Browser::new(&app);
    browser
        .is_refused("github", &github, &alice, "email_in_use")
        .await;
    // What changes something else leaves the proof alone.
    let bob = Browser::new(&app)
        .sign_in("github", &github, &octocat(3, "b@cats.example"))
        .await;
    let changes = json!({ "full_name": "Bob" });
    app.as_user(&bob)
        .update_user(bob.id, &changes)
        .await
        .ok(200);
    let again = octocat(4, "b@cats.example");
    let again = Browser::new(&app).sign_in("github", &github, &again).await;
    assert_eq!(again.id, bob.id);
}

#[tokio::test]
async fn an_owner_links_and_unlinks() {
    let (app, github) = app().await;
    let alice = app.client("alice").await;
    let octo = octocat(1, "somebody@cats.example");
    let mut browser = Browser::new(&app);
    let came = browser.link(&app, &alice, "github", &github, &octo).await;
    assert_eq!(came.status(), 303, "{came}");
    assert_eq!(location(&came).path(), "/profile");
    assert_eq!(known(&came, "linked").as_deref(), Some("github"));
    let person = Browser::new(&app).sign_in("github", &github, &octo).await;
    assert_eq!(person.id, alice.id);

    // Twice does no harm; a program is told what is linked.
    let mut program = Browser::program(&app);
    let again = program.link(&app, &alice, "github", &github, &octo).await;
    let linked = again.ok(201);
    assert_eq!(identities(&app, &alice).await.len(), 1);
    assert_eq!(linked["name"], "octocat1");

    // Nobody else has it then, and nobody else takes it away.
    let bob = app.client("bob").await;
    let mut of_bob = Browser::new(&app);
    let taken = of_bob.link(&app, &bob, "github", &github, &octo).await;
    ends_with(&taken, "identity_taken");
    assert_eq!(location(&taken).path(), "/profile");
    let mut program = Browser::program(&app);
    let taken = program.link(&app, &bob, "github", &github, &octo).await;
    taken.refused(409, "identity_taken");
    unlink(&app, &bob, &linked).await.refused(404, "not_found");

    unlink(&app, &alice, &linked).await.ok(204);
    unlink(&app, &alice, &linked)
        .await
        .refused(404, "not_found");
    assert!(identities(&app, &alice).await.is_empty());
    let stranger = Browser::new(&app).sign_in("github", &github, &octo).await;
    assert_ne!(
        stranger.id, alice.id,
        "it is nobody's, so it is a new one's"
    );
}

/// Somebody else's browser cannot be made to link its account to mine.
#[tokio::test]
async fn a_link_is_made_in_the_browser_that_asked() {
    let (app, github) = app().await;
    let mallory = app.client("mallory").await;
    let mut of_mallory = Browser::new(&app);
    let sent_to = of_mallory.begin_link(&app, &mallory, "github").await;
    let victim = octocat(1, "victim@cats.example");
    let back = github.agrees(&sent_to, &victim);
    let mut of_victim = Browser::new(&app);
    ends_with(&of_victim.come_back(&back).await, "expired");
    assert!(identities(&app, &mallory).await.is_empty());

    // Nor after the one who asked has signed out.
    app.as_user(&mallory).logout().await.ok(204);
    let late = of_mallory.come_back(&back).await;
    ends_with(&late, "expired");
    assert!(github.asked("/api/v3/user").len() <= 2);
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let (app, github) = app().await;
    let octo = Browser::new(&app)
        .sign_in("github", &github, &octocat(1, "o@cats.example"))
        .await;
    let only = identities(&app, &octo).await.remove(0);
    unlink(&app, &octo, &only).await.refused(409, "last_way_in");
    // A second identity will do.
    let mut browser = Browser::new(&app);
    let second = octocat(2, "p@cats.example");
    browser.link(&app, &octo, "github", &github, &second).await;
    let all = identities(&app, &octo).await;
    assert_eq!(all.len(), 2);
    let both = [unlink(&app, &octo, &all[0]), unlink(&app, &octo, &all[1])];
    let mut statuses: Vec<_> = futures_util::future::join_all(both)
        .await
        .iter()
        .map(Answer::status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(
        statuses,
        [204, 409],
        "one of them stays, though both go at once"
    );
    assert_eq!(identities(&app, &octo).await.len(), 1);
}

#[tokio::test]
async fn a_deleted_account_leaves_its_identity_free() {
    let (app, github) = app().await;
    let person = octocat(1, "o@cats.example");
    let first = Browser::new(&app).sign_in("github", &github, &person).await;
    let mut late = Browser::new(&app);
    let code = known(&late.go("github", &github, &person).await, "code").unwrap();
    app.as_user(&first).delete_user(first.id).await.ok(204);
    late.exchange(&code).await.refused(401, "unauthenticated");
    let second = Browser::new(&app).sign_in("github", &github, &person).await;
    assert_ne!(second.id, first.id);
    assert_eq!(second.username, first.username, "the name is free again");
}

#[tokio::test]
async fn who_linked_what_is_kept() {
    let (app, github) = app().await;
    let alice = app.client("alice").await;
    let octo = octocat(1, "o@cats.example");
    let mut browser = Browser::new(&app);
    browser.link(&app, &alice, "github", &github, &octo).await;
    let identity = identities(&app, &alice).await.remove(0);
    unlink(&app, &alice, &identity).await.ok(204);
    let stranger = Browser::new(&app).sign_in("github", &github, &octo).await;
    let admin = app.admin().await;
    let log = app
        .as_user(&admin)
        .get("/api/audit?limit=200")
        .await
        .ok(200);
    let acts_on = |person: &Person| -> Vec<String> {
        let entries = log["data"].as_array().expect("entries").iter().rev();
        let id = person.id.to_string();
        let on = entries.filter(|entry| entry.to_string().contains(&id));
        on.map(|entry| entry["act"].as_str().expect("an act").to_owned())
            .filter(|act| act.starts_with("identity.") || act == "user.create")
            .collect()
    };
    let expected = ["user.create", "identity.link", "identity.unlink"];
    assert_eq!(acts_on(&alice), expected);
    assert_eq!(acts_on(&stranger), ["user.create", "identity.link"]);
    assert!(
        !log.to_string().contains("o@cats.example"),
        "no address is kept for good"
    );
}

#[tokio::test]
async fn a_provider_does_not_stand_in_for_the_second_factor() {
    let (app, github) = app().await;
    let alice = app.client("alice").await;
    let octo = octocat(1, "o@cats.example");
    let mut browser = Browser::new(&app);
    browser.link(&app, &alice, "github", &github, &octo).await;
    let enrolled = app.enroll(&alice).await;

    let came = browser.go("github", &github, &octo).await;
    let code = known(&came, "code").expect("a code");
    let step = browser.exchange(&code).await.ok(200);
    assert!(step.get("token").is_none(), "{step}");
    let ticket = step["second_factor"]["ticket"].as_str().expect("a ticket");
    let answer = app.second_step(ticket, &enrolled.app.code()).await;
    let person = Person::from_login(&answer.ok(200), &alice.password);
    assert_eq!(person.id, alice.id);

    let mut program = Browser::program(&app);
    let step = program.go("github", &github, &octo).await.ok(200);
    assert!(step.get("token").is_none(), "{step}");
    assert!(step["second_factor"]["ticket"].is_string(), "{step}");
}

/// Mallory makes an account with Alice's address, links what is his, and waits. Alice finds that she
/// has an account, and sets its password by mail.
#[tokio::test]
async fn a_reset_shuts_the_doors_of_who_never_proved_the_address() {
    let office = PostOffice::open().await;
    let github = Provider::start(Kind::Github).await;
    let app = TestApp::with(|config| {
        github.believed_by(config);
        send_to(config, &office);
    })
    .await;
    let trap = app.client("alice").await;
    let of_mallory = octocat(666, "mallory@cats.example");
    let mut browser = Browser::new(&app);
    let linked = browser
        .link(&app, &trap, "github", &github, &of_mallory)
        .await;
    assert_eq!(known(&linked, "linked").as_deref(), Some("github"));

    let body = json!({ "email": trap.email });
    let forgot = app.api().post("/api/auth/password/forgot", &body).await;
    forgot.ok(202);
    let mail = office.mail_to(&trap.email, "Reset your password").await;
    let body = json!({ "token": mail.token("reset"), "password": "Another-Horse-2" });
    let reset = app.api().post("/api/auth/password/reset", &body).await;
    reset.ok(204);
    let alice = app.sign_in(&trap.email, "Another-Horse-2").await;
    assert!(identities(&app, &alice).await.is_empty());
    let mallory = Browser::new(&app)
        .sign_in("github", &github, &of_mallory)
        .await;
    assert_ne!(mallory.id, alice.id);
    let log = app.as_user(&app.admin().await);
    let path = format!("/api/audit?target={}&act=password.reset", alice.id);
    let page = log.get(&path).await.ok(200);
    let removed = &page["data"][0]["details"]["removed"];
    assert_eq!(removed["identities"], 1, "{page}");
}

#[tokio::test]
async fn a_user_has_20_identities_at_most() {
    let (app, github) = app().await;
    let alice = app.client("alice").await;
    let mut program = Browser::program(&app);
    for id in 1..=20 {
        let octo = octocat(id, &format!("o{id}@cats.example"));
        let linked = program.link(&app, &alice, "github", &github, &octo).await;
        linked.ok(201);
    }
    let one_more = octocat(21, "alice@parlor.example");
    let refused = program
        .link(&app, &alice, "github", &github, &one_more)
        .await;
    refused.refused(409, "too_many");
    // Nor by an address that both sides proved.
    let prove = "UPDATE users SET email_verified_at = created_at WHERE username = 'alice'";
    app.home.database.execute(prove).await;
    let mut browser = Browser::new(&app);
    browser
        .is_refused("github", &github, &one_more, "too_many")
        .await;
    assert_eq!(identities(&app, &alice).await.len(), 20);
    // Those who are linked come in as ever.
    let first = octocat(1, "o1@cats.example");
    let came = Browser::new(&app).sign_in("github", &github, &first).await;
    assert_eq!(came.id, alice.id);
}

#[tokio::test]
async fn an_owner_is_told_by_mail_of_what_is_linked() {
    let office = PostOffice::open().await;
    let github = Provider::start(Kind::Github).await;
    let app = TestApp::with(|config| {
        github.believed_by(config);
        send_to(config, &office);
    })
    .await;
    let alice = app.client("alice").await;
    let mut browser = Browser::new(&app);
    let octo = octocat(1, "o@cats.example");
    browser.link(&app, &alice, "github", &github, &octo).await;
    let mail = office.mail_to(&alice.email, "New way to sign in").await;
    let text = mail.part("text/plain");
    assert!(text.contains("the provider github was linked"), "{text}");
    let identity = identities(&app, &alice).await.remove(0);
    unlink(&app, &alice, &identity).await.ok(204);
    office
        .mail_to(&alice.email, "A way to sign in was removed")
        .await;

    // Also of what was joined since both sides proved the address; not of a new account's first.
    let prove = "UPDATE users SET email_verified_at = created_at WHERE username = 'alice'";
    app.home.database.execute(prove).await;
    let same = octocat(2, &alice.email);
    Browser::new(&app).sign_in("github", &github, &same).await;
    let bob = octocat(3, "bob@cats.example");
    let bob = Browser::new(&app).sign_in("github", &github, &bob).await;
    let password = json!({ "password": "Another-Horse-2" });
    app.as_user(&bob)
        .update_user(bob.id, &password)
        .await
        .ok(200);
    office.mail_to("bob@cats.example", "Your password").await;
    let told = |to: &str, mails: &[Mail]| {
        let linked = mails.iter().filter(|mail| {
            mail.to == to && mail.header("Subject").starts_with("New way to sign in")
        });
        linked.count()
    };
    let mut mails = office.mails();
    while told(&alice.email, &mails) < 2 {
        mails = office.received(mails.len() + 1).await;
    }
    assert_eq!(told("bob@cats.example", &mails), 0);
}
