//! A server in a process of its own, to be killed, signalled and listened to.

use std::{
    cell::Cell,
    ops::Deref,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Home, LIMIT, Site};

/// How often it is looked whether a server is calm, which nothing tells.
const LOOK: Duration = Duration::from_millis(250);

/// `parlor serve`; it is killed with this value.
pub struct Server {
    child: Child,
    output: Output,
    readers: Vec<JoinHandle<()>>,
    site: Site,
}

impl Server {
    /// Starts one at a home.
    pub async fn start(home: &Home) -> Self {
        Self::from(home, home.command(&["serve"])).await
    }

    /// Starts one at a home with more of the environment.
    pub async fn with(home: &Home, environment: &[(&str, &str)]) -> Self {
        let mut command = home.command(&["serve"]);
        command.envs(environment.iter().copied());
        Self::from(home, command).await
    }

    /// Starts one by a command, and waits for the line that says where it listens.
    pub async fn from(home: &Home, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server's process");
        let output = Output::default();
        let readers = vec![
            output.follow("out", child.stdout.take().expect("its output")),
            output.follow("err", child.stderr.take().expect("its errors")),
        ];
        let listening = tokio::select! {
            line = timeout(LIMIT, output.line("out", |line| line.contains("://"))) => line.ok(),
            _ = child.wait() => None,
        };
        let Some(line) = listening else {
            panic!("the server does not start:\n{}", output.text());
        };
        let (https, port) = address(&line);
        let site = Site::new(port, https.then(|| home.ca()).as_deref());
        Self {
            child,
            output,
            readers,
            site,
        }
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("the server runs")
    }

    /// A line of `/proc/<pid>/status`, such as `Threads`, or `VmRSS` in KiB.
    pub fn status(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()));
        let status = status.expect("the server's status");
        let value = status.lines().find_map(|text| text.strip_prefix(line));
        let number = value.and_then(|text| text.trim_start_matches(':').split_whitespace().next());
        number.expect("a number").parse().expect("a whole one")
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.id()));
        open.expect("the server's descriptors").count()
    }

    /// Waits until nobody is there and no room lives.
    pub async fn calm(&self, within: Duration) {
        let api = self.api();
        let left = Cell::new((f64::NAN, f64::NAN));
        let calming = async {
            while left.get() != (0.0, 0.0) {
                sleep(LOOK).await;
                let sockets = api.metric("chat_sessions").await;
                left.set((sockets, api.metric("chat_rooms_live").await));
            }
        };
        if timeout(within, calming).await.is_err() {
            let (sockets, rooms) = left.get();
            panic!("{sockets} sockets and {rooms} rooms do not end");
        }
    }

    /// Everything it has printed so far.
    pub fn output(&self) -> String {
        self.output.text()
    }

    /// The first printed line that is meant, now or when it comes.
    pub async fn line(&self, meant: impl Fn(&str) -> bool) -> String {
        let waiting = self.output.line("", meant);
        match timeout(LIMIT, waiting).await {
            Ok(line) => line,
            Err(_) => panic!("the line does not come:\n{}", self.output()),
        }
    }

    /// Ends it as a power cut would, and waits until it is gone.
    pub async fn kill(mut self) -> String {
        self.child.kill().await.expect("the server can be killed");
        self.rest().await
    }

    /// Sends it a signal, such as `TERM`.
    pub async fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        let status = Command::new("sh").args(["-c", &kill]).status().await;
        assert!(status.expect("a shell").success(), "{kill}");
    }

    /// Waits for its end, and gives everything it printed.
    pub async fn ended(mut self) -> (ExitStatus, String) {
        let status = match timeout(LIMIT, self.child.wait()).await {
            Ok(status) => status.expect("a status"),
            Err(_) => panic!("the server does not end:\n{}", self.output()),
        };
        (status, self.rest().await)
    }

    async fn rest(&mut self) -> String {
        for reader in self.readers.drain(..) {
            let _ = reader.await;
        }
        self.output()
    }
}

impl Deref for Server {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// The lines a process printed, each with the stream it came by.
#[derive(Clone, Default)]
struct Output {
    lines: Arc<Mutex<Vec<(&'static str, String)>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Output {
    fn follow(
        &self,
        stream: &'static str,
        source: impl AsyncRead + Unpin + Send + 'static,
    ) -> JoinHandle<()> {
        let output = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(source).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                output.lines.lock().expect("no panic").push((stream, line));
                output.count.send_modify(|count| *count += 1);
            }
        })
    }

    async fn line(&self, stream: &str, meant: impl Fn(&str) -> bool) -> String {
        let mut count = self.count.subscribe();
        loop {
            count.borrow_and_update();
            let found = self.find(stream, &meant);
            if let Some(line) = found {
                return line;
            }
            count.changed().await.expect("the output is kept");
        }
    }

    fn find(&self, stream: &str, meant: impl Fn(&str) -> bool) -> Option<String> {
        let lines = self.lines.lock().expect("no panic");
        let (_, line) = lines
            .iter()
            .find(|(by, line)| (stream.is_empty() || *by == stream) && meant(line))?;
        Some(line.clone())
    }

    fn text(&self) -> String {
        let lines = self.lines.lock().expect("no panic");
        lines.iter().map(|(_, line)| format!("{line}\n")).collect()
    }
}

/// Whether a line names an `https` address, and the port in it.
fn address(line: &str) -> (bool, u16) {
    let (scheme, rest) = line.split_once("://").expect("an address");
    let port: String = rest
        .rsplit_once(':')
        .map(|(_, port)| port.chars().take_while(char::is_ascii_digit).collect())
        .unwrap_or_default();
    let port = port.parse();
    (
        scheme.ends_with("https"),
        port.unwrap_or_else(|_| panic!("no port in {line}")),
    )
}
