//! A database of one test's own.

use std::{path::Path, thread, time::Duration};

use parlor::{
    metrics::Metrics,
    store::{Store, StoreOptions},
};
use sqlx::{
    AssertSqlSafe, Connection, Decode, Executor, PgConnection, Row, Sqlite, SqliteConnection,
};
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
            url: self.url().into(),
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
        self.run(sql.to_owned()).await;
    }

    /// Moves the times in a column into the past, as if it were so many seconds later.
    pub async fn age(&self, table: &str, column: &str, seconds: u32) {
        let earlier = match self {
            Self::Sqlite(_) => {
                format!("strftime('%Y-%m-%dT%H:%M:%f000+00:00', {column}, '-{seconds} seconds')")
            }
            Self::Postgres { .. } => format!("{column} - interval '{seconds} seconds'"),
        };
        self.run(format!("UPDATE {table} SET {column} = {earlier}"))
            .await;
    }

    /// Everything that is kept: the bytes of each value of each table, with the table's name.
    pub async fn values(&self) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        match self {
            Self::Sqlite(url) => {
                let mut connection = SqliteConnection::connect(url).await.expect("the file");
                let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
                let tables = sqlx::query_scalar(tables).fetch_all(&mut connection);
                let tables: Vec<String> = tables.await.expect("the tables");
                for table in tables {
                    let rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}")));
                    for row in rows.fetch_all(&mut connection).await.expect("the rows") {
                        for column in 0..row.len() {
                            let value = row.try_get_raw(column).expect("a value");
                            let bytes = <Option<Vec<u8>> as Decode<Sqlite>>::decode(value);
                            let bytes = bytes.expect("bytes").unwrap_or_default();
                            found.push((table.clone(), bytes));
                        }
                    }
                }
            }
            Self::Postgres { .. } => {
                let mut connection = PgConnection::connect(&self.url()).await.expect("a server");
                let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
                let tables = sqlx::query_scalar(tables).fetch_all(&mut connection);
                let tables: Vec<String> = tables.await.expect("the tables");
                for table in tables {
                    let rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}")));
                    for row in rows.fetch_all(&mut connection).await.expect("the rows") {
                        for column in 0..row.len() {
                            let value = row.try_get_raw(column).expect("a value");
                            let bytes = value.as_bytes().unwrap_or_default().to_vec();
                            found.push((table.clone(), bytes));
                        }
                    }
                }
            }
        }
        found
    }

    async fn run(&self, sql: String) {
        match self {
            Self::Sqlite(url) => {
                let mut connection = SqliteConnection::connect(url).await.expect("the file");
                let done = connection.execute(AssertSqlSafe(sql)).await;
                done.expect("the statement");
                connection.close().await.expect("a closed file");
            }
            Self::Postgres { .. } => {
                let url = self.url().parse().expect("a URL");
                execute(&url, sql).await;
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
