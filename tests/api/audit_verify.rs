//! `parlor audit verify` finds what somebody with the database in his hands did to the log.

use crate::harness::{Person, TestApp, TestDatabase, registration};

/// What `parlor audit verify` says: its output, or why it failed.
async fn verify(app: &TestApp, more: &[&str]) -> Result<String, String> {
    let args = [&["audit", "verify"], more].concat();
    let output = app.home.run(&args).await;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    match output.status.code() {
        Some(0) => Ok(text(output.stdout)),
        Some(1) => Err(text(output.stderr)),
        code => panic!("{code:?}: {}", text(output.stderr)),
    }
}

/// The head's hash, as it is printed.
async fn head(app: &TestApp) -> String {
    let printed = verify(app, &[]).await.expect("a whole log");
    let (_, head) = printed.trim().rsplit_once(' ').expect("a head");
    head.to_owned()
}

/// A log of 12 entries and more, whose guards somebody has taken away.
async fn unguarded() -> TestApp {
    let app = TestApp::spawn().await;
    for name in ["ann", "ben", "carl", "dora", "emil"] {
        app.api().register(&registration(name)).await.ok(201);
    }
    let _: Person = app.admin().await;
    assert!(verify(&app, &[]).await.is_ok());
    app.home
        .database
        .execute(match &app.home.database {
            TestDatabase::Sqlite(_) => {
                "DROP TRIGGER audit_entries_no_update; DROP TRIGGER audit_entries_no_delete;"
            }
            TestDatabase::Postgres { .. } => "ALTER TABLE audit_entries DISABLE TRIGGER USER",
        })
        .await;
    app
}

async fn broken_at(app: &TestApp, sql: &'static str, seq: u32) {
    app.home.database.execute(sql).await;
    let told = verify(app, &[]).await.expect_err(sql);
    let place = format!("broken at entry {seq}:");
    assert!(told.contains(&place), "{sql}\n{told}");
}

#[tokio::test]
async fn a_changed_entry_is_found() {
    let app = unguarded().await;
    broken_at(
        &app,
        "UPDATE audit_entries SET address = '192.0.2.99' WHERE seq = 5",
        5,
    )
    .await;
}

#[tokio::test]
async fn a_changed_entry_that_was_sealed_anew_is_found_by_the_next() {
    let app = unguarded().await;
    broken_at(
        &app,
        "UPDATE audit_entries SET details = '{}', hash = (SELECT hash FROM audit_entries WHERE \
         seq = 4) WHERE seq = 5",
        5,
    )
    .await;
}

#[tokio::test]
async fn what_is_no_entry_at_all_is_found() {
    let app = unguarded().await;
    let sql = match &app.home.database {
        TestDatabase::Sqlite(_) => "UPDATE audit_entries SET hash = zeroblob(3) WHERE seq = 7",
        TestDatabase::Postgres { .. } => {
            "UPDATE audit_entries SET hash = decode('00', 'hex') WHERE seq = 7"
        }
    };
    broken_at(&app, sql, 7).await;
}

#[tokio::test]
async fn a_removed_entry_is_found() {
    let app = unguarded().await;
    broken_at(&app, "DELETE FROM audit_entries WHERE seq = 6", 6).await;
}

#[tokio::test]
async fn swapped_entries_are_found() {
    let app = unguarded().await;
    broken_at(
        &app,
        "UPDATE audit_entries SET seq = -1 WHERE seq = 3; \
         UPDATE audit_entries SET seq = 3 WHERE seq = 4; \
         UPDATE audit_entries SET seq = 4 WHERE seq = -1",
        3,
    )
    .await;
}

#[tokio::test]
async fn an_entry_before_the_first_is_found() {
    let app = unguarded().await;
    broken_at(&app, "UPDATE audit_entries SET seq = 0 WHERE seq = 1", 1).await;
}

#[tokio::test]
async fn an_end_that_was_cut_off_is_found_by_the_head_in_the_database() {
    let app = unguarded().await;
    broken_at(&app, "DELETE FROM audit_entries WHERE seq > 10", 11).await;
}

/// Somebody who also puts the head back leaves a log that is whole in itself.
#[tokio::test]
async fn an_end_that_was_cut_off_with_the_head_is_found_by_a_noted_hash() {
    let app = unguarded().await;
    let noted = head(&app).await;
    app.api().register(&registration("late")).await.ok(201);
    let check = verify(&app, &["--head", &noted]).await;
    assert!(check.is_ok(), "a noted head stays in the log: {check:?}");
    app.home
        .database
        .execute(
            "DELETE FROM audit_entries WHERE seq > 10; UPDATE audit_head SET seq = 10, \
             hash = (SELECT hash FROM audit_entries WHERE seq = 10)",
        )
        .await;
    assert!(verify(&app, &[]).await.is_ok(), "nothing else tells");
    let told = verify(&app, &["--head", &noted]).await.unwrap_err();
    assert!(
        told.contains("the noted head is not in the chain"),
        "{told}"
    );
}

#[tokio::test]
async fn a_head_that_is_no_hash_is_refused() {
    let app = TestApp::spawn().await;
    let told = verify(&app, &["--head", "abc"]).await.unwrap_err();
    assert!(told.contains("64 hexadecimal digits"), "{told}");
}

/// The guards are against mistakes; the hashes are against everybody.
#[tokio::test]
async fn entries_are_only_added() {
    let app = TestApp::spawn().await;
    app.client("ann").await;
    for sql in [
        "UPDATE audit_entries SET address = NULL",
        "DELETE FROM audit_entries WHERE seq = 1",
        "DELETE FROM audit_head",
    ] {
        let refused = app.home.database.try_execute(sql).await;
        let error = refused.expect_err(sql).to_string();
        assert!(
            error.contains("append-only") || error.contains("stays"),
            "{error}"
        );
    }
    let replace = match &app.home.database {
        TestDatabase::Sqlite(_) => {
            "INSERT OR REPLACE INTO audit_entries SELECT * FROM audit_entries WHERE seq = 1"
        }
        TestDatabase::Postgres { .. } => "TRUNCATE audit_entries",
    };
    assert!(app.home.database.try_execute(replace).await.is_err());
    assert!(verify(&app, &[]).await.is_ok());
}
