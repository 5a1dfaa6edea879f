//! Signing in with Facebook, played by a stand.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::harness::{Browser, Kind, Provider, TestApp};

async fn app() -> (TestApp, Provider) {
    let facebook = Provider::start(Kind::Facebook).await;
    let app = TestApp::with(|config| facebook.believed_by(config)).await;
    (app, facebook)
}

/// Facebook does not say whether an address was proved: it neither counts nor is kept.
#[tokio::test]
async fn who_comes_from_facebook_gets_an_account_without_an_address() {
    let (app, facebook) = app().await;
    let ada = json!({ "id": "10", "name": "Ada Lovelace", "email": "ada@example.org" });
    let mut browser = Browser::new(&app);
    let person = browser.sign_in("facebook", &facebook, &ada).await;
    assert_eq!(person.username, "Ada-Lovelace");
    assert_eq!(person.full_name, "Ada Lovelace");
    let me = app.as_user(&person).me().await.ok(200);
    assert_eq!(me["email"], Value::Null);

    let nameless = json!({ "id": "11" });
    let other = Browser::new(&app)
        .sign_in("facebook", &facebook, &nameless)
        .await;
    assert_eq!(other.username, "user");
    assert_ne!(other.id, person.id);
    let again = Browser::new(&app)
        .sign_in("facebook", &facebook, &nameless)
        .await;
    assert_eq!(again.id, other.id);
}

/// Somebody could type another one's address at Facebook: the account that has it is not entered.
#[tokio::test]
async fn an_account_is_not_entered_by_an_address_that_facebook_tells() {
    let (app, facebook) = app().await;
    app.client("ada").await;
    let prove = "UPDATE users SET email_verified_at = created_at WHERE username = 'ada'";
    app.home.database.execute(prove).await;
    let mallory = json!({ "id": "666", "name": "Mallory", "email": "ADA@parlor.example" });
    let mut browser = Browser::new(&app);
    browser
        .is_refused("facebook", &facebook, &mallory, "email_in_use")
        .await;
    let answer = Browser::program(&app)
        .go("facebook", &facebook, &mallory)
        .await;
    answer.refused(409, "email_in_use");
}

/// A token that was stolen from another app is of no use with this.
#[tokio::test]
async fn every_question_proves_that_it_is_ours() {
    let (app, facebook) = app().await;
    let ada = json!({ "id": "10", "name": "Ada" });
    Browser::new(&app)
        .sign_in("facebook", &facebook, &ada)
        .await;
    let [me] = &facebook.asked("/v24.0/me")[..] else {
        panic!("one question")
    };
    // By the library that signs tokens: HS256 of a text is the same HMAC.
    let token = me
        .header("authorization")
        .unwrap()
        .strip_prefix("Bearer ")
        .unwrap();
    let key = EncodingKey::from_secret(b"the-secret-of-the-client");
    let proof = jsonwebtoken::crypto::sign(token.as_bytes(), &key, Algorithm::HS256).unwrap();
    let proof = BASE64_URL_SAFE_NO_PAD.decode(proof).unwrap();
    let proof: String = proof.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(me.query.get("appsecret_proof"), Some(&proof));
    assert!(!me.query.contains_key("access_token"), "{me:?}");
}
