//! Hashing a password is slow on purpose, and nobody else waits for it.

use futures_util::{
    FutureExt,
    future::{Either, join_all, select},
};
use serde_json::json;

use crate::harness::{PASSWORD, TestApp};

/// A hash on a worker thread would hold up everything else that thread serves.
#[tokio::test]
async fn others_are_served_while_a_password_is_hashed() {
    let app = TestApp::with(|config| {
        config.server.workers = 1;
        config.auth.bcrypt_cost = 11;
    })
    .await;
    let api = app.api();
    let body = json!({"username": "nobody", "password": PASSWORD});
    let login = api.login(&body).boxed();
    let others = async {
        for _ in 0..10 {
            api.get("/health/live").await.ok(200);
        }
    };
    match select(login, others.boxed()).await {
        Either::Left((answer, _)) => panic!("the others waited for {answer}"),
        Either::Right(((), login)) => login.await.refused(401, "unauthenticated"),
    };
}

/// Waiting without end would help nobody: who comes when there is too much is told to come again.
#[tokio::test]
async fn too_many_hashes_at_once_are_refused() {
    let app = TestApp::with(|config| config.auth.bcrypt_cost = 11).await;
    let api = app.api();
    // More than as many cores can do in the two seconds that one may wait.
    let many = 30 * std::thread::available_parallelism().unwrap().get();
    let bodies: Vec<_> = (0..many)
        .map(|number| json!({"username": format!("nobody-{number}"), "password": PASSWORD}))
        .collect();
    let answers = join_all(bodies.iter().map(|body| api.login(body))).await;
    let count = |status| {
        answers
            .iter()
            .filter(|answer| answer.status() == status)
            .count()
    };
    let (hashed, refused) = (count(401), count(503));
    assert!(
        hashed > 0 && refused > 0,
        "{hashed} hashed, {refused} refused"
    );
    assert_eq!(hashed + refused, many);
    app.api().get("/health/live").await.ok(200);
    app.api()
        .login(&bodies[0])
        .await
        .refused(401, "unauthenticated");
}
