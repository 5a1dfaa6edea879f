//! All clients on one thread.

use std::{io, sync::Arc, time::Duration};

use anyhow::{bail, ensure};
use mio::{Events, Interest, Poll, Token};
use rustls::ClientConfig;

use crate::{
    clock,
    connection::{Connection, State},
    plan::Plan,
    tally::Tally,
    transport::{self, Transport},
    wire::Protocol,
};

const READ_BUFFER: usize = 256 * 1024;
/// Seconds that all the handshakes together may take.
const PATIENCE: f64 = 120.0;

pub struct Swarm {
    pub plan: Plan,
    pub connections: Vec<Connection>,
    pub tally: Tally,
    tokens: Vec<String>,
    tls: Option<Arc<ClientConfig>>,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
}

impl Swarm {
    /// Nobody yet.
    pub fn new(plan: Plan) -> anyhow::Result<Self> {
        let tls = plan.ca.as_deref().map(transport::tls).transpose()?;
        Ok(Self {
            tokens: plan.tokens()?,
            connections: Vec::with_capacity(plan.sockets),
            tally: Tally::new(plan.rooms),
            tls,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            buffer: vec![0; READ_BUFFER],
            plan,
        })
    }

    /// Everybody in their rooms.
    pub fn joined(plan: Plan) -> anyhow::Result<Self> {
        let mut swarm = Self::new(plan)?;
        swarm.join_all(&[])?;
        Ok(swarm)
    }

    /// Opens every socket, and waits until all have joined. `after` has how far each client knows
    /// its room.
    pub fn join_all(&mut self, after: &[u64]) -> anyhow::Result<()> {
        self.join(self.plan.sockets, after)
    }

    /// Opens sockets until there are `count`, a bounded number of handshakes at once.
    pub fn join(&mut self, count: usize, after: &[u64]) -> anyhow::Result<()> {
        let until = clock::now() + clock::nanoseconds(PATIENCE);
        while self.tally.ready < count {
            let waiting = self.connections.len() - self.tally.ready;
            for _ in waiting..self.plan.handshakes {
                let number = self.connections.len();
                if number < count {
                    self.open(number, after.get(number).copied())?;
                }
            }
            self.turn(Duration::from_millis(100))?;
            ensure!(clock::now() < until, "{} joined in time", self.tally.ready);
        }
        Ok(())
    }

    fn open(&mut self, number: usize, after: Option<u64>) -> anyhow::Result<()> {
        let plan = &self.plan;
        let room = number / plan.members();
        let deaf = number > 0 && number <= plan.deaf;
        let source = u32::try_from(number)? % plan.sources;
        let mut transport = Transport::open(plan.address, source, deaf, self.tls.as_ref())?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(transport.stream(), Token(number), interest)?;
        let request = plan.protocol.request(room, self.token(number), after);
        let mut connection = Connection::new(transport, number, room, request);
        connection.deaf = deaf;
        self.connections.push(connection);
        Ok(())
    }

    /// Members of a room are different users as far as there are any; the first one is the sender's,
    /// whose own sockets are told nothing of his typing.
    fn token(&self, number: usize) -> Option<&str> {
        let member = number % self.plan.members();
        let others = self.tokens.len().checked_sub(1)?;
        let user = if member == 0 {
            0
        } else {
            1 + (member - 1) % others
        };
        self.tokens.get(user).map(String::as_str)
    }

    /// Waits at most so long for something to happen, and handles it.
    ///
    /// # Errors
    /// A client could not stay, or heard what it should not.
    pub fn turn(&mut self, wait: Duration) -> anyhow::Result<()> {
        let wait = if self.plan.awake {
            Duration::ZERO
        } else {
            wait
        };
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(fault) if fault.kind() != io::ErrorKind::Interrupted => return Err(fault.into()),
            _ => {}
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            let number = event.token().0;
            if event.is_writable() {
                self.writable(number);
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                self.readable(number);
            }
        }
        self.events = events;
        match &self.tally.fault {
            Some(fault) => bail!("{fault}"),
            None => Ok(()),
        }
    }

    fn writable(&mut self, number: usize) {
        let connection = &mut self.connections[number];
        if connection.state == State::Connecting {
            match connection.transport.is_connected() {
                Ok(true) => {
                    connection.state = State::Upgrading;
                    let request = std::mem::take(&mut connection.request);
                    connection.output.extend_from_slice(request.as_bytes());
                }
                Ok(false) => return,
                Err(fault) => return self.end(number, &fault.to_string()),
            }
        }
        self.flush(number);
    }

    /// Writes what waits, as far as the socket takes it.
    pub fn flush(&mut self, number: usize) {
        let connection = &mut self.connections[number];
        if matches!(connection.state, State::Connecting | State::Ended) {
            return;
        }
        let mut sent = 0;
        let fault = loop {
            if sent == connection.output.len() {
                break None;
            }
            match connection.transport.write(&connection.output[sent..]) {
                Ok(count) => sent += count,
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => break None,
                Err(fault) => break Some(fault),
            }
        };
        connection.output.drain(..sent);
        if let Some(fault) = fault {
            self.end(number, &fault.to_string());
        }
    }

    fn readable(&mut self, number: usize) {
        let connection = &mut self.connections[number];
        let protocol = self.plan.protocol;
        let waits = connection.deaf && connection.state == State::Joined;
        if waits || matches!(connection.state, State::Connecting | State::Ended) {
            return;
        }
        let fault = loop {
            match connection.transport.read(&mut self.buffer) {
                Ok(0) => break Some("the server hung up".to_owned()),
                Ok(count) => {
                    let now = clock::now();
                    connection.take(&self.buffer[..count], protocol, now, &mut self.tally);
                    // Less than asked for: the socket is empty, and epoll tells when it is not.
                    let whole = count < self.buffer.len();
                    if whole && !connection.transport.must_be_asked_again() {
                        break None;
                    }
                }
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => break None,
                Err(fault) => break Some(fault.to_string()),
            }
        };
        if let Some(fault) = fault {
            self.end(number, &fault);
        } else if !connection.output.is_empty() {
            self.flush(number);
        }
    }

    fn end(&mut self, number: usize, why: &str) {
        let connection = &mut self.connections[number];
        if connection.state == State::Joined {
            self.tally.ready -= 1;
        }
        connection.state = State::Ended;
        self.tally.ended += 1;
        // A client that does not read is meant to be thrown out.
        if !connection.deaf {
            self.tally.failed(format!("socket {number}: {why}"));
        }
    }

    /// Writes a message that was due at `due` into a socket's output.
    pub fn say(&mut self, number: usize, due: u64) {
        let connection = &mut self.connections[number];
        let protocol = self.plan.protocol;
        if protocol == Protocol::Live {
            self.tally.rooms[connection.room].sent.push(due);
            connection.skip();
        }
        protocol.message(&mut connection.output, connection.room, due, &self.plan);
    }
}
