//! A certificate authority of this machine's own, and what it signs for the server.
//!
//! The files say in their first line who made them: only those are ever renewed.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use sha2::{Digest, Sha256};

use crate::{
    clock,
    config::ServerConfig,
    keyfile::{self, Readers},
};

/// The beginning of every file made here. PEM readers skip what stands before the first block.
const MARK: &str = "Made by parlor";

/// What clients are given to trust.
const CA: &str = "ca.pem";

const CA_LIFETIME: TimeDelta = TimeDelta::days(3_650);

/// Browsers take no server certificate that lasts longer than 398 days.
const LEAF_LIFETIME: TimeDelta = TimeDelta::days(397);

/// With less than this left, a new one is made.
const RENEW_BEFORE: TimeDelta = TimeDelta::days(30);

/// Sees to it that there is a certificate to start with.
///
/// Nothing there: a CA and a certificate are made. One made here that ends soon, or is for other
/// names: the CA signs a new one. Anything else is somebody's own and left alone.
pub(super) fn ensure(server: &ServerConfig) -> anyhow::Result<()> {
    let (cert, key) = (read(&server.cert_path)?, read(&server.key_path)?);
    let ours = |file: &Option<String>| file.as_ref().is_none_or(|text| text.starts_with(MARK));
    if !ours(&cert) || !ours(&key) {
        return Ok(());
    }
    let line = MadeFor {
        names: names(server),
        until: clock::now() + LEAF_LIFETIME,
    };
    let folder = match server.cert_path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let lasts = |cert: &str| line.is_met_by(cert, RENEW_BEFORE);
    if key.is_some() && cert.as_deref().is_some_and(lasts) && folder.join(CA).exists() {
        return Ok(());
    }
    let _alone = lock(folder)?;
    let authority = Authority::open(folder)?;
    let key = key_pair(&server.key_path)?;
    let signed = authority.sign(&line, &key)?;
    let text = format!("{}\n{signed}", line.text());
    write(&server.cert_path, &text, Readers::Everyone)?;
    // Not louder: the first line that a person sees tells where to go, and the next one about this.
    tracing::debug!(
        certificate = %server.cert_path.display(),
        authority = %authority.path.display(),
        "made a certificate for {}; browsers believe it once they trust the authority",
        line.names.join(", ")
    );
    Ok(())
}

/// Whether the certificate was made here, which browsers believe only where somebody told them to.
#[must_use]
pub fn is_made_here(server: &ServerConfig) -> bool {
    read(&server.cert_path).is_ok_and(|cert| cert.is_some_and(|text| text.starts_with(MARK)))
}

/// Renews what was made here when it ends soon. Unlike at the start, nothing is made where nothing
/// is: somebody may just be putting his own certificate there.
pub(super) fn renew(server: &ServerConfig) -> anyhow::Result<()> {
    let is_ours = |path| {
        let text = read(path)?;
        anyhow::Ok(text.is_some_and(|text| text.starts_with(MARK)))
    };
    if is_ours(&server.cert_path)? && is_ours(&server.key_path)? {
        ensure(server)?;
    }
    Ok(())
}

/// What the first line of a certificate says, because nothing here can read the rest.
struct MadeFor {
    names: Vec<String>,
    until: DateTime<Utc>,
}

impl MadeFor {
    fn text(&self) -> String {
        let until = self.until.format("%Y-%m-%d");
        format!("{MARK} for {} until {until}", self.names.join(" "))
    }

    /// Whether a certificate that was made here is for these names and has so much time `left`.
    fn is_met_by(&self, cert: &str, left: TimeDelta) -> bool {
        let line = cert.lines().next().unwrap_or_default();
        let Some((names, until)) = line
            .strip_prefix(MARK)
            .and_then(|line| line.strip_prefix(" for "))
            .and_then(|line| line.split_once(" until "))
        else {
            return false;
        };
        let has = |name: &String| names.split(' ').any(|known| known == name);
        let last_day = (clock::now() + left).date_naive();
        self.names.iter().all(has)
            && until
                .parse()
                .is_ok_and(|until: chrono::NaiveDate| until > last_day)
    }
}

/// Signs certificates. Its name follows from its key, so that two of them are never mixed up.
struct Authority {
    path: PathBuf,
    key: KeyPair,
}

impl Authority {
    /// Reads the CA in this folder, or makes one.
    fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(CA);
        let found = read(&path)?;
        let key = key_pair(&folder.join("ca-key.pem"))?;
        let authority = Self { path, key };
        let params = authority.params(clock::now());
        let name = authority.name();
        let until = clock::now() + CA_LIFETIME;
        let line = MadeFor {
            names: vec![name],
            until,
        };
        // An authority must outlast what it signs.
        if !found.is_some_and(|ca| line.is_met_by(&ca, LEAF_LIFETIME)) {
            let text = format!(
                "{}\n{}",
                line.text(),
                params.self_signed(&authority.key)?.pem()
            );
            write(&authority.path, &text, Readers::Everyone)?;
        }
        Ok(authority)
    }

    fn name(&self) -> String {
        let digest = Sha256::digest(self.key.public_key_raw());
        let id: String = digest
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("parlor-ca-{id}")
    }

    fn params(&self, now: DateTime<Utc>) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = called(&self.name());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        lasting(&mut params, now, now + CA_LIFETIME);
        params
    }

    fn sign(&self, line: &MadeFor, key: &KeyPair) -> anyhow::Result<String> {
        let now = clock::now();
        let mut params = CertificateParams::new(line.names.clone())?;
        params.distinguished_name = called("Parlor on this machine");
        params.use_authority_key_identifier_extension = true;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        lasting(&mut params, now, line.until);
        let issuer = Issuer::new(self.params(now), &self.key);
        Ok(params.signed_by(key, &issuer)?.pem())
    }
}

fn called(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// Valid from the day before, because clocks differ.
fn lasting(params: &mut CertificateParams, from: DateTime<Utc>, until: DateTime<Utc>) {
    let midnight = |at: DateTime<Utc>| {
        let part = |number: u32| u8::try_from(number).unwrap_or(1);
        rcgen::date_time_ymd(at.year(), part(at.month()), part(at.day()))
    };
    params.not_before = midnight(from - TimeDelta::days(1));
    params.not_after = midnight(until);
}

/// What the certificate is for: this machine's own names, and where the server is told to be.
fn names(server: &ServerConfig) -> Vec<String> {
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    let public = server.public_url.as_ref().and_then(url::Url::host_str);
    for host in [Some(server.host.as_str()), public].into_iter().flatten() {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let everywhere = host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_unspecified());
        if !everywhere && !names.iter().any(|name| name == host) {
            names.push(host.to_owned());
        }
    }
    names
}

/// Reads a private key that was made here, or makes one.
fn key_pair(path: &Path) -> anyhow::Result<KeyPair> {
    let fresh = format!("{MARK}\n{}", KeyPair::generate()?.serialize_pem());
    let text = keyfile::read_or_create(path, fresh.as_bytes())
        .with_context(|| format!("cannot keep a key in {}", path.display()))?;
    let text = String::from_utf8_lossy(&text);
    // rcgen wants the block alone.
    let block = text.find("-----BEGIN").and_then(|start| text.get(start..));
    KeyPair::from_pem(block.unwrap_or_default())
        .with_context(|| format!("{} holds no key that can sign", path.display()))
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn write(path: &Path, text: &str, readers: Readers) -> anyhow::Result<()> {
    keyfile::replace(path, text.as_bytes(), readers)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// One process at a time makes certificates in a folder.
fn lock(folder: &Path) -> anyhow::Result<File> {
    let locked = || {
        fs::create_dir_all(folder)?;
        let file = File::create(folder.join(".lock"))?;
        file.lock()?;
        io::Result::Ok(file)
    };
    locked().with_context(|| format!("cannot write in {}", folder.display()))
}
