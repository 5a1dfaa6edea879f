/// Descriptors beside those of connections and of the database: listeners, timers, certificates.
const FILES: usize = 64;
/// Descriptors of one connection to the database: SQLite has its file, its log and their index.
const FILES_OF_DATABASE_CONNECTION: usize = 4;
/// Connections that sockets leave to plain requests, whatever is set: to refuse with, and to answer
/// `/health`.
const FOR_REQUESTS: usize = 128;
/// What sockets leave to everything else unless `MAX_CONNECTIONS` is set.
const BESIDE_SOCKETS: usize = 512;

/// How the descriptors that the process may open are shared out.
#[derive(Clone, Copy, Debug)]
pub struct Descriptors {
    all: usize,
}

impl Descriptors {
    /// What the system allows this process now.
    #[must_use]
    pub fn of_process() -> Self {
        let all = rlimit::Resource::NOFILE.get_soft().unwrap_or(1024);
        Self {
            all: usize::try_from(all).unwrap_or(usize::MAX),
        }
    }

    /// Connections that may be open at once, sockets and plain requests together. What is left is
    /// for files: whoever cannot open one cannot store a message.
    #[must_use]
    pub fn for_connections(self, of_database: u32) -> usize {
        let database = usize::try_from(of_database).unwrap_or(usize::MAX);
        let files = FILES.saturating_add(database.saturating_mul(FILES_OF_DATABASE_CONNECTION));
        self.all - files.min(self.all / 3)
    }

    /// Sockets that may be open at once, whatever is set.
    #[must_use]
    pub fn for_sockets(self, of_database: u32) -> usize {
        let connections = self.for_connections(of_database);
        (connections - FOR_REQUESTS.min(connections / 3)).max(1)
    }

    /// The default of `MAX_CONNECTIONS`. Never 0, which would mean no limit.
    #[must_use]
    pub fn by_default_for_sockets(self) -> usize {
        let sockets = self.all.saturating_sub(BESIDE_SOCKETS);
        sockets.max(self.all / 2).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_requests_keep_their_part_however_few_there_are() {
        for all in [0, 1, 20, 64, 256, 1_024, 20_000, 1 << 20, usize::MAX] {
            let descriptors = Descriptors { all };
            for of_database in [1, 10, 1_000] {
                let connections = descriptors.for_connections(of_database);
                let sockets = descriptors.for_sockets(of_database);
                assert!(
                    connections <= all && all - connections >= FILES.min(all / 4),
                    "{all}"
                );
                assert!(all < 3 || sockets < connections, "{all}: {sockets}");
            }
        }
        let usual = Descriptors { all: 20_000 };
        assert_eq!(usual.for_connections(10), 20_000 - 104);
        assert_eq!(usual.for_sockets(10), 20_000 - 104 - 128);
        assert_eq!(usual.by_default_for_sockets(), 20_000 - 512);
    }
}
