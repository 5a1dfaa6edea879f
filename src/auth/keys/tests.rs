use std::{fs, path::Path};

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;
use crate::{
    auth::token::TokenError,
    config::JwtAlgorithm,
    domain::{
        ids::LoginId,
        user::{Role, User},
    },
};

const HOUR: Duration = Duration::from_secs(3600);

fn user() -> User {
    User::sample("ann", Role::Client)
}

fn token(keys: &Keys) -> String {
    crate::tls::install_crypto();
    keys.issue(&user(), LoginId::new(), HOUR).unwrap().0
}

fn auth(algorithm: JwtAlgorithm) -> AuthConfig {
    AuthConfig {
        jwt_algorithm: algorithm,
        token_lifetime: HOUR,
        ..AuthConfig::default()
    }
}

fn open(folder: &Path) -> Keys {
    Keys::open(&auth(JwtAlgorithm::Hs256), folder).unwrap()
}

fn rotate(folder: &Path, algorithm: Option<JwtAlgorithm>) -> String {
    let file = KeyFile::of(folder);
    let kid = file.rotate(algorithm, JwtAlgorithm::Hs256, HOUR, false);
    kid.unwrap()
}

fn stored(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("jwt-keys.json")).unwrap()).unwrap()
}

fn store(folder: &Path, value: &Value) {
    fs::write(folder.join("jwt-keys.json"), value.to_string()).unwrap();
}

#[test]
fn every_algorithm_signs_and_verifies() {
    for (name, algorithm) in JwtAlgorithm::ALL {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let first = Keys::open(&auth(algorithm), &data).unwrap();
        let token = token(&first);
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(format!("{:?}", header.alg), name);
        let second = Keys::open(&auth(algorithm), &data).unwrap();
        assert!(second.verify(&token).is_ok(), "the second start knows it");
        let public = serde_json::to_value(second.public()).unwrap();
        let count = public["keys"].as_array().unwrap().len();
        assert_eq!(count, usize::from(algorithm != JwtAlgorithm::Hs256));
        assert!(!public.to_string().contains("\"d\""), "{public}");
        let elsewhere = Keys::open(&auth(algorithm), &folder.path().join("other")).unwrap();
        assert!(elsewhere.verify(&token).is_err(), "each has its own");
    }
}

/// The classic: the public key, which everybody has, is passed off as a secret.
#[test]
fn a_public_key_is_no_secret() {
    for algorithm in [JwtAlgorithm::EdDsa, JwtAlgorithm::Es256] {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(&auth(algorithm), folder.path()).unwrap();
        let good = keys.verify(&token(&keys)).unwrap();
        let ring = keys.ring();
        let public = ring.signing.decoding.try_get_as_bytes().unwrap();
        let jwk = serde_json::to_vec(&ring.signing.public()).unwrap();
        let x = serde_json::to_value(ring.signing.public()).unwrap()["x"].clone();
        for secret in [public, &jwk, x.as_str().unwrap().as_bytes()] {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = Some(good.key.to_string());
            let key = EncodingKey::from_secret(secret);
            let forged = jsonwebtoken::encode(&header, &good.claims, &key).unwrap();
            assert_eq!(keys.verify(&forged).err(), Some(TokenError::Invalid));
        }
    }
}

#[test]
fn the_secret_of_an_older_server_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "an old secret of at least 32 bytes";
    fs::write(folder.path().join("jwt.secret"), format!("{secret}\n")).unwrap();
    let old = token(&Keys::from_secret(secret.as_bytes()));
    assert!(open(folder.path()).verify(&old).is_ok());
    assert!(!folder.path().join("jwt.secret").exists());
    rotate(folder.path(), None);
    assert!(open(folder.path()).verify(&old).is_ok());
}

#[test]
fn a_secret_file_that_was_emptied_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("jwt.secret"), "\n").unwrap();
    assert!(Keys::open(&auth(JwtAlgorithm::Hs256), folder.path()).is_err());
}

#[test]
fn a_set_secret_needs_no_file_and_knows_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let set = |now: &str, before: Option<&str>| {
        let auth = AuthConfig {
            jwt_secret: Some(now.into()),
            jwt_previous_secret: before.map(SecretString::from),
            ..AuthConfig::default()
        };
        Keys::open(&auth, folder.path()).unwrap()
    };
    let (one, two) = ("a".repeat(32), "b".repeat(32));
    let old = token(&set(&one, None));
    assert!(set(&two, None).verify(&old).is_err());
    let both = set(&two, Some(&one));
    assert!(both.verify(&old).is_ok());
    assert!(set(&one, None).verify(&token(&both)).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_key_verifies_for_as_long_as_its_last_token_lasts() {
    let folder = tempfile::tempdir().unwrap();
    let old = token(&open(folder.path()));
    rotate(folder.path(), Some(JwtAlgorithm::EdDsa));
    assert!(open(folder.path()).verify(&old).is_ok());

    let mut kept = stored(folder.path());
    let replaced = |ago: TimeDelta| json!(clock::now() - ago);
    kept["keys"][0]["replaced_at"] = replaced(TimeDelta::minutes(60));
    store(folder.path(), &kept);
    assert!(open(folder.path()).verify(&old).is_ok(), "its last minute");
    kept["keys"][0]["replaced_at"] = replaced(TimeDelta::minutes(62));
    store(folder.path(), &kept);
    assert!(open(folder.path()).verify(&old).is_err());
    assert_eq!(stored(folder.path())["keys"].as_array().unwrap().len(), 1);
}

/// A server whose tokens last longer than the command line knows says so in the file.
#[test]
fn a_key_knows_the_longest_of_its_tokens() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path());
    let auth = AuthConfig {
        token_lifetime: HOUR * 10,
        ..AuthConfig::default()
    };
    Keys::open(&auth, folder.path()).unwrap();
    assert_eq!(
        stored(folder.path())["keys"][0]["longest_token_seconds"],
        36_000
    );
    open(folder.path());
    assert_eq!(
        stored(folder.path())["keys"][0]["longest_token_seconds"],
        36_000
    );
}

#[test]
fn what_is_damaged_is_said_without_a_word_of_a_key() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path());
    rotate(folder.path(), Some(JwtAlgorithm::EdDsa));
    let good = stored(folder.path());
    let private = |key: usize| good["keys"][key]["private"].as_str().unwrap().to_owned();
    let with = |path: &str, value: Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap() = value;
        bad.to_string()
    };
    for bad in [
        String::new(),
        "{".into(),
        good.to_string()[..200].to_owned(),
        json!({"version": 1, "keys": []}).to_string(),
        with("/version", json!(2)),
        with("/version", good["keys"][0]["private"].clone()),
        with("/keys/0/algorithm", good["keys"][0]["private"].clone()),
        with("/keys/0/algorithm", json!("EdDSA")),
        with("/keys/0/kid", json!("AAAAAAAAAAA")),
        with("/keys/0/private", json!("c2hvcnQ")),
        with("/keys/0/private", json!("%%%")),
        with("/keys/1/private", good["keys"][0]["private"].clone()),
        with("/keys/0/replaced_at", Value::Null),
        with("/keys/1/replaced_at", json!(clock::now())),
        with("/keys", json!(vec![good["keys"][0].clone(); 20])),
    ] {
        fs::write(folder.path().join("jwt-keys.json"), &bad).unwrap();
        let error = Keys::open(&auth(JwtAlgorithm::Hs256), folder.path());
        let error = format!("{:#}", error.err().expect(&bad));
        assert!(error.contains("jwt-keys.json"), "{error}");
        assert!(!error.contains(&private(0)) && !error.contains(&private(1)));
        assert_eq!(
            fs::read_to_string(folder.path().join("jwt-keys.json")).unwrap(),
            bad,
            "it is left as it is, for whoever mends it"
        );
    }
}

#[test]
fn many_may_rotate_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let old = token(&open(folder.path()));
    let made: Vec<String> = std::thread::scope(|scope| {
        let rotate = || rotate(folder.path(), None);
        let makers: Vec<_> = (0..6).map(|_| scope.spawn(rotate)).collect();
        makers.into_iter().map(|m| m.join().unwrap()).collect()
    });
    let keys = open(folder.path());
    assert!(made.contains(&keys.ring().signing.id.to_string()));
    for kid in &made {
        assert!(keys.verifies(kid.parse().unwrap()), "none is lost");
    }
    assert!(keys.verify(&old).is_ok());
}

#[test]
fn there_are_not_more_keys_than_a_few() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::of(folder.path());
    let rotate = |now| file.rotate(None, JwtAlgorithm::Hs256, HOUR, now);
    let count = (0..20).filter(|_| rotate(false).is_ok()).count();
    assert_eq!(count, 16);
    rotate(true).unwrap();
    assert_eq!(stored(folder.path())["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn the_key_that_signs_is_not_retired() {
    let folder = tempfile::tempdir().unwrap();
    let old = open(folder.path()).ring().signing.id;
    let file = KeyFile::of(folder.path());
    assert!(file.retire(old).is_err());
    let new: KeyId = rotate(folder.path(), None).parse().unwrap();
    assert!(file.retire(new).is_err());
    file.retire(old).unwrap();
    assert!(file.retire(old).is_err(), "it is gone");
    assert!(!open(folder.path()).verifies(old));
}
