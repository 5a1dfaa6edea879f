//! A PostgreSQL server of one test's own, which can be stopped and started.

use std::process::Command;

use sqlx::{Connection, Executor, PgConnection, Row};
use tempfile::TempDir;

/// A server on a port that it keeps; it ends with this value.
pub struct OwnPostgres {
    /// Its database `postgres`.
    pub url: String,
    directory: TempDir,
}

impl OwnPostgres {
    /// Makes one and starts it.
    pub async fn start() -> Self {
        let directory = TempDir::new().expect("a temporary folder");
        let url = script(&["start", path(&directory)]).await;
        Self { url, directory }
    }

    /// Starts it again where it was.
    pub async fn resume(&self) {
        script(&["start", path(&self.directory)]).await;
    }

    /// Stops it: `fast` in good order, `immediate` as a power cut would.
    pub async fn stop(&self, mode: &str) {
        script(&["stop", path(&self.directory), mode]).await;
    }

    /// Runs a statement.
    pub async fn execute(&self, sql: &'static str) {
        let mut connection = self.connect().await;
        connection.execute(sql).await.expect("the statement");
    }

    /// What a setting of the server is now.
    pub async fn shows(&self, setting: &'static str) -> String {
        let mut connection = self.connect().await;
        let sql = "SELECT current_setting($1)";
        let row = sqlx::query(sql).bind(setting).fetch_one(&mut connection);
        row.await.expect("a setting").get(0)
    }

    async fn connect(&self) -> PgConnection {
        let connection = PgConnection::connect(&self.url).await;
        connection.expect("the test's own PostgreSQL")
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        run(&["remove", path(&self.directory)].map(str::to_owned));
    }
}

fn path(directory: &TempDir) -> &str {
    directory.path().to_str().expect("a path of UTF-8")
}

async fn script(args: &[&str]) -> String {
    let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let run = tokio::task::spawn_blocking(move || run(&args));
    run.await.expect("script/postgres succeeds")
}

fn run(args: &[String]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/script/postgres");
    let output = Command::new(script).args(args).output().expect("bash");
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .trim()
        .to_owned()
}
