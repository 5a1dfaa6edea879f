//! Certificates that change under a running server, and clients that are too old.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use crate::harness::{Home, LIMIT, Server, TestApp, until};

/// Somebody's own authority, and what it signs.
struct Authority {
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self { params, key }
    }

    fn pem(&self) -> String {
        self.params.clone().self_signed(&self.key).unwrap().pem()
    }

    /// A certificate for `localhost` until the beginning of a year, and its key.
    fn sign(&self, until: i32) -> (String, String) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::new(self.params.clone(), &self.key);
        let cert = params.signed_by(&key, &issuer).unwrap();
        (cert.pem(), key.serialize_pem())
    }
}

fn first_certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

/// The certificate with which somebody who connects now is received, if he trusts it.
async fn presented(port: u16, tls: &Arc<ClientConfig>) -> Option<CertificateDer<'static>> {
    let tls = tls.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let tcp = TcpStream::connect(("127.0.0.1", port)).ok()?;
        tcp.set_read_timeout(Some(LIMIT)).ok()?;
        // A ticket of an earlier one would bring no certificate.
        let mut tls = ClientConfig::clone(&tls);
        tls.resumption = rustls::client::Resumption::disabled();
        let name = "localhost".try_into().unwrap();
        let session = ClientConnection::new(Arc::new(tls), name).unwrap();
        let mut stream = StreamOwned::new(session, tcp);
        stream
            .write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .ok()?;
        let first = stream.conn.peer_certificates()?.first()?;
        Some(first.clone().into_owned())
    });
    asked.await.unwrap()
}

/// Writes as tools that renew certificates do: whole, under another name, and then moved.
fn put(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    fs::write(&draft, text).unwrap();
    fs::rename(draft, path).unwrap();
}

/// A home whose server finds a certificate of its operator, valid until a year.
async fn with_own_certificate(authority: &Authority, until: i32) -> Home {
    let home = Home::new().await;
    fs::create_dir_all(home.path().join("certs")).unwrap();
    let (cert, key) = authority.sign(until);
    put(&home.certificate(), &cert);
    put(&home.key(), &key);
    put(&home.ca(), &authority.pem());
    home
}

const EXPIRY: &str = "api_certificate_expiry_timestamp_seconds";

#[tokio::test]
async fn a_new_certificate_is_served_without_a_restart() {
    let authority = Authority::new();
    let home = with_own_certificate(&authority, 2040).await;
    let server = Server::start(&home).await;
    let tls = server.tls.clone().unwrap();
    let old = first_certificate(&home.certificate());
    assert_eq!(presented(server.port, &tls).await, Some(old.clone()));
    let api = server.api();
    assert_eq!(api.metric(EXPIRY).await, 2_208_988_800.0);
    let alice = server.client("alice").await;
    let mut socket = server.ws(&alice).joined("general").await;

    // Half of a pair, and then something that is none: the old one goes on.
    let (cert, key) = authority.sign(2050);
    put(&home.certificate(), &cert);
    server
        .line(|line| {
            line.contains("the certificate stays as it was") && line.contains("is not the key")
        })
        .await;
    assert_eq!(presented(server.port, &tls).await, Some(old.clone()));
    put(&home.certificate(), &cert[..cert.len() / 2]);
    server
        .line(|line| {
            line.contains("the certificate stays as it was") && line.contains("cannot read")
        })
        .await;
    assert_eq!(presented(server.port, &tls).await, Some(old.clone()));

    put(&home.certificate(), &cert);
    put(&home.key(), &key);
    let new = first_certificate(&home.certificate());
    until(async || presented(server.port, &tls).await == Some(new.clone())).await;
    until(async || api.metric(EXPIRY).await == 2_524_608_000.0).await;
    socket.publish("general", "still here").await;
    assert_eq!(socket.next_message().await.content, "still here");
    let printed = server.output();
    assert!(!printed.contains("PRIVATE KEY"), "{printed}");
}

/// The first line says until when it lasts; here it lies, as if the year were nearly over.
#[tokio::test]
async fn a_certificate_that_was_made_here_is_renewed_before_it_ends() {
    let app = TestApp::spawn().await;
    let tls = app.tls.clone().unwrap();
    let old = first_certificate(&app.home.certificate());
    assert_eq!(presented(app.port, &tls).await, Some(old.clone()));
    let text = fs::read_to_string(app.home.certificate()).unwrap();
    let (line, block) = text.split_once('\n').unwrap();
    let (names, _) = line.split_once(" until ").unwrap();
    let soon = parlor::clock::now() + std::time::Duration::from_secs(20 * 86_400);
    let soon = soon.format("%Y-%m-%d");
    put(
        &app.home.certificate(),
        &format!("{names} until {soon}\n{block}"),
    );
    // Signed by the same authority, which the clients trust.
    until(async || {
        let now = presented(app.port, &tls).await;
        now.is_some_and(|now| now != old)
    })
    .await;
    let renewed = first_certificate(&app.home.certificate());
    assert_ne!(renewed, old);
    app.client("alice").await;
}

/// A `ClientHello` as clients of TLS 1.0 to 1.2 write it, with no word of anything newer.
fn hello(version: [u8; 2]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    // ECDHE-ECDSA and ECDHE-RSA with AES-128: GCM for TLS 1.2, CBC for those before.
    let suites = [0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x09, 0xc0, 0x13];
    body.extend([0, 8]);
    body.extend(suites);
    body.extend([1, 0]);
    let extensions: [&[u8]; 4] = [
        // server_name: localhost
        &[
            0, 0, 0, 14, 0, 12, 0, 0, 9, b'l', b'o', b'c', b'a', b'l', b'h', b'o', b's', b't',
        ],
        // supported_groups: secp256r1
        &[0, 10, 0, 4, 0, 2, 0, 23],
        // ec_point_formats: uncompressed
        &[0, 11, 0, 2, 1, 0],
        // signature_algorithms: ecdsa_secp256r1_sha256
        &[0, 13, 0, 4, 0, 2, 4, 3],
    ];
    let extensions = extensions.concat();
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut hello = vec![22, 3, 1];
    let length = u16::try_from(body.len() + 4).unwrap();
    hello.extend(length.to_be_bytes());
    hello.extend([1, 0]);
    hello.extend((length - 4).to_be_bytes());
    hello.extend(body);
    hello
}

/// The first record of the answer: its type, and what it begins with.
async fn answered(port: u16, hello: Vec<u8>) -> (u8, [u8; 2]) {
    let asked = tokio::task::spawn_blocking(move || {
        let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
        tcp.set_read_timeout(Some(LIMIT)).unwrap();
        tcp.write_all(&hello).unwrap();
        let mut record = [0; 7];
        tcp.read_exact(&mut record).unwrap();
        (record[0], [record[5], record[6]])
    });
    asked.await.unwrap()
}

#[tokio::test]
async fn clients_of_old_tls_are_refused() {
    const HANDSHAKE: u8 = 22;
    const ALERT: u8 = 21;
    const SERVER_HELLO: u8 = 2;
    /// RFC 8446, section 6: fatal, `protocol_version`.
    const PROTOCOL_VERSION: [u8; 2] = [2, 70];
    let app = TestApp::spawn().await;
    let (kind, [first, _]) = answered(app.port, hello([3, 3])).await;
    assert_eq!(
        (kind, first),
        (HANDSHAKE, SERVER_HELLO),
        "TLS 1.2 is spoken"
    );
    for old in [[3, 2], [3, 1], [3, 0], [2, 0]] {
        let refused = answered(app.port, hello(old)).await;
        assert_eq!(refused, (ALERT, PROTOCOL_VERSION), "{old:?}");
    }
}
