//! A database of one test's own.

use std::{path::Path, thread, time::Duration};

use parlor::{
    metrics::Metrics,
    store::{Store, StoreOptions},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use url::Url;

/// A database that nobody else uses; a PostgreSQL one is dropped with this value.
#[derive(Debug)]
pub enum TestDatabase {
    /// A file in the test's folder, which is removed as a whole.
    Sqlite(String),
    /// A database made for the test, and the server that has it.
    Postgres { server: Url, name: String },
}

impl TestDatabase {
    /// Makes one where `TEST_DATABASE_URL` says, or names a SQLite file in `directory`.
    pub async fn create(directory: &Path) -> Self {
        let Some(server) = postgres_server() else {
            return Self::Sqlite(format!("sqlite://{}/parlor.db", directory.display()));
        };
        let name = format!("parlor_test_{}", uuid::Uuid::new_v4().simple());
        execute(&server, format!("CREATE DATABASE {name}")).await;
        Self::Postgres { server, name }
    }

    /// What to set `DATABASE_URL` to.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(url) => url.clone(),
            Self::Postgres { server, name } => {
                let mut url = server.clone();
                url.set_path(name);
                url.into()
            }
        }
    }

    /// Opens it as another process would, such as the command line.
    pub async fn open(&self) -> Store {
        let options = StoreOptions {
            url: self.url(),
            max_connections: 1,
            allow_unsafe: true,
            acquire_timeout: Duration::from_secs(2),
            busy_timeout: Duration::from_secs(2),
            mail: false,
        };
        let metrics = Metrics::new().expect("metrics");
        Store::open(&options, metrics).await.expect("the database")
    }

    /// Tries what the database itself may refuse.
    pub async fn try_execute(&self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(url) => {
                let mut connection = SqliteConnection::connect(url).await?;
                connection.execute(sql).await.map(|_| ())
            }
            Self::Postgres { .. } => {
                let mut connection = PgConnection::connect(&self.url()).await?;
                connection.execute(sql).await.map(|_| ())
            }
        }
    }

    /// Changes what no client can, such as the time of something past.
    pub async fn execute(&self, sql: &'static str) {
        match self {
            Self::Sqlite(url) => {
                let mut connection = SqliteConnection::connect(url).await.expect("the file");
                connection.execute(sql).await.expect("the statement");
                connection.close().await.expect("a closed file");
            }
            Self::Postgres { .. } => {
                let url = self.url().parse().expect("a URL");
                execute(&url, sql.to_owned()).await;
            }
        }
    }
}

impl Drop for TestDatabase {
    /// On a thread of its own, because the test's runtime is blocked by this very call.
    fn drop(&mut self) {
        let Self::Postgres { server, name } = self else {
            return;
        };
        let (server, name) = (server.clone(), name.clone());
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            runtime.block_on(execute(&server, sql));
        });
        if dropping.join().is_err() && !thread::panicking() {
            panic!("the test's database could not be dropped");
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "which database the tests use is no setting of the server"
)]
fn postgres_server() -> Option<Url> {
    let text = std::env::var("TEST_DATABASE_URL").ok()?;
    Some(text.parse().expect("TEST_DATABASE_URL is a URL"))
}

async fn execute(server: &Url, sql: String) {
    let mut connection = PgConnection::connect(server.as_str())
        .await
        .expect("the PostgreSQL server of the tests");
    let done = connection.execute(AssertSqlSafe(sql)).await;
    done.expect("the statement");
    let _ = connection.close().await;
}
