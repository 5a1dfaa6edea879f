use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
use rustls_pki_types::ServerName;

use super::*;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("certs").join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn settings(&self) -> config::ServerConfig {
        config::ServerConfig {
            cert_path: self.path("cert.pem"),
            key_path: self.path("key.pem"),
            ..config::ServerConfig::default()
        }
    }

    fn start(&self) -> ServerConfig {
        server_config(&self.settings()).unwrap().0
    }
}

/// Shakes hands in memory, with a client that trusts the CA in `ca` and nothing else.
fn shake_hands(server: ServerConfig, ca: &Path, name: &str) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca).unwrap())
        .unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name)?;
    let mut server = ServerConnection::new(Arc::new(server))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut bytes = Vec::new();
        server.write_tls(&mut bytes).unwrap();
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn with_nothing_there_a_client_that_trusts_the_ca_is_content() {
    let place = Place::new();
    let server = place.start();
    for name in ["localhost", "127.0.0.1", "::1"] {
        shake_hands(server.clone(), &place.path("ca.pem"), name).unwrap();
    }
    let other = shake_hands(server.clone(), &place.path("ca.pem"), "example.org");
    assert!(other.is_err(), "it is for this machine alone");

    let stranger = Place::new();
    stranger.start();
    let distrust = shake_hands(server, &stranger.path("ca.pem"), "localhost");
    assert!(
        distrust.is_err(),
        "another machine's CA does not vouch for it"
    );
}

#[test]
fn keys_are_their_owners_alone_and_a_second_start_takes_what_is_there() {
    let place = Place::new();
    place.start();
    let files = ["cert.pem", "key.pem", "ca.pem", "ca-key.pem"];
    let before = files.map(|name| place.read(name));
    for name in ["key.pem", "ca-key.pem"] {
        let mode = fs::metadata(place.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    place.start();
    assert_eq!(files.map(|name| place.read(name)), before);
}

#[test]
fn a_certificate_that_ends_soon_is_renewed_by_the_same_ca() {
    let place = Place::new();
    place.start();
    let (ca, key, cert) = (
        place.read("ca.pem"),
        place.read("key.pem"),
        place.read("cert.pem"),
    );
    let (line, block) = cert.split_once('\n').unwrap();
    let (names, _) = line.split_once(" until ").unwrap();
    let soon = (crate::clock::now() + chrono::TimeDelta::days(20)).format("%Y-%m-%d");
    fs::write(
        place.path("cert.pem"),
        format!("{names} until {soon}\n{block}"),
    )
    .unwrap();

    let server = place.start();
    assert_ne!(place.read("cert.pem").split_once('\n').unwrap().1, block);
    assert_eq!((place.read("ca.pem"), place.read("key.pem")), (ca, key));
    shake_hands(server, &place.path("ca.pem"), "localhost").unwrap();
}

#[test]
fn another_host_needs_another_certificate() {
    let place = Place::new();
    place.start();
    let mut settings = place.settings();
    settings.host = "10.1.2.3".into();
    settings.public_url = Some("https://chat.example.org:8443".parse().unwrap());
    let (server, _) = server_config(&settings).unwrap();
    for name in ["localhost", "10.1.2.3", "chat.example.org"] {
        shake_hands(server.clone(), &place.path("ca.pem"), name).unwrap();
    }
    settings.host = "0.0.0.0".into();
    server_config(&settings).unwrap();
    assert!(
        !place.read("cert.pem").contains("0.0.0.0"),
        "everywhere is no name"
    );
}

#[test]
fn a_start_that_was_cut_short_is_made_good() {
    let place = Place::new();
    place.start();
    fs::remove_file(place.path("cert.pem")).unwrap();
    shake_hands(place.start(), &place.path("ca.pem"), "localhost").unwrap();
}

#[test]
fn what_somebody_brought_is_left_alone() {
    let place = Place::new();
    fs::create_dir_all(place.path("")).unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["chat.example.org".into()]).unwrap();
    fs::write(place.path("cert.pem"), own.cert.pem()).unwrap();
    assert!(
        server_config(&place.settings()).is_err(),
        "a certificate without its key"
    );
    assert!(!place.path("key.pem").exists(), "none is made up for it");

    fs::write(place.path("key.pem"), own.signing_key.serialize_pem()).unwrap();
    place.start();
    assert_eq!(place.read("cert.pem"), own.cert.pem());
    assert!(!place.path("ca.pem").exists());

    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    fs::write(place.path("key.pem"), other).unwrap();
    let error = server_config(&place.settings()).unwrap_err().to_string();
    assert!(error.contains("is not the key of"), "{error}");
}
