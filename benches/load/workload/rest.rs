//! One HTTP request after the other on each of several connections that are kept.

use std::{io, time::Duration};

use anyhow::{Context, bail, ensure};
use memchr::memmem;
use mio::{Events, Interest, Poll, Token};
use serde_json::{Value, json};

use super::Watch;
use crate::{clock, histogram::Histogram, plan::Plan, process::Meter, transport::Transport};

struct Client {
    transport: Transport,
    request: Vec<u8>,
    answer: Vec<u8>,
    sent: u64,
}

pub fn run(plan: Plan) -> anyhow::Result<Value> {
    let mut poll = Poll::new()?;
    let mut clients = connect(&plan, &poll)?;
    let mut events = Events::with_capacity(clients.len());
    let (mut latency, mut answers, mut watch) = (Histogram::new(), 0_u64, Watch::new());
    let warm = clock::now() + clock::nanoseconds(plan.warmup);
    // What was at the beginning of the span that counts.
    let mut begun: Option<(u64, u64, Meter, Meter)> = None;
    loop {
        let now = clock::now();
        match &begun {
            None if now >= warm => {
                begun = Some((now, answers, Meter::start(&plan.pid), Meter::own()));
            }
            Some((at, ..)) if now - *at >= clock::nanoseconds(plan.seconds) => break,
            _ => {}
        }
        match poll.poll(&mut events, Some(Duration::from_millis(50))) {
            Err(fault) if fault.kind() != io::ErrorKind::Interrupted => return Err(fault.into()),
            _ => {}
        }
        for event in &events {
            let client = &mut clients[event.token().0];
            if client.sent == 0 && event.is_writable() {
                client.ask()?;
            }
            while let Some(nanoseconds) = client.hear()? {
                answers += 1;
                if begun.is_some() {
                    latency.add(nanoseconds);
                }
                client.ask()?;
            }
        }
        watch.check(answers)?;
    }
    let (at, before, server, own) = begun.context("nothing was measured")?;
    let seconds = (clock::now() - at) as f64 / 1e9;
    let used = server.seconds();
    let count = (answers - before) as f64;
    Ok(json!({
        "requests_per_second": count / seconds,
        "requests_per_cpu_second": count / used.max(1e-9),
        "server_cpu_percent": used / seconds * 100.0,
        "generator_cpu_percent": own.seconds() / seconds * 100.0,
        "latency_ms": latency.report(),
        "answer_bytes": clients[0].answer.len(),
    }))
}

fn connect(plan: &Plan, poll: &Poll) -> anyhow::Result<Vec<Client>> {
    let tokens = match &plan.tokens {
        Some(_) => plan.tokens()?,
        None => vec!["none".to_owned()],
    };
    let mut clients = Vec::new();
    for number in 0..plan.sockets {
        let token = &tokens[number % tokens.len()];
        let mut transport = Transport::open(plan.address, 0, false, None)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry()
            .register(transport.stream(), Token(number), interest)?;
        clients.push(Client {
            transport,
            request: request(plan, token),
            answer: Vec::new(),
            sent: 0,
        });
    }
    Ok(clients)
}

fn request(plan: &Plan, token: &str) -> Vec<u8> {
    let path = &plan.path;
    let head = format!("{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n");
    match &plan.body {
        None => format!("GET {head}\r\n"),
        Some(body) => format!(
            "POST {head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    }
    .into_bytes()
}

impl Client {
    fn ask(&mut self) -> anyhow::Result<()> {
        self.sent = clock::now();
        self.answer.clear();
        let written = self.transport.write(&self.request)?;
        ensure!(
            written == self.request.len(),
            "a request was not taken whole"
        );
        Ok(())
    }

    /// How long the answer took, once it is there.
    fn hear(&mut self) -> anyhow::Result<Option<u64>> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.transport.read(&mut buffer) {
                Ok(0) => bail!("the server hung up"),
                Ok(count) => self.answer.extend_from_slice(&buffer[..count]),
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(fault) if fault.kind() == io::ErrorKind::NotConnected => return Ok(None),
                Err(fault) => return Err(fault.into()),
            }
            if is_whole(&self.answer)? {
                return Ok(Some(clock::now() - self.sent));
            }
        }
    }
}

/// Whether an answer is there with its whole body, whose length its head must tell.
fn is_whole(answer: &[u8]) -> anyhow::Result<bool> {
    let Some(end) = memmem::find(answer, b"\r\n\r\n") else {
        return Ok(false);
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    ensure!(head.starts_with("http/1.1 20"), "answered: {head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length = length.context("an answer without its length")?;
    Ok(answer.len() >= end + 4 + length.trim().parse::<usize>()?)
}
