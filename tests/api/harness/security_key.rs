//! An authenticator of Web Authentication in software, written from the standard alone: none
//! attestation, ES256, resident credentials.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The user was there, and was verified; the data has a new credential.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// One credential, and whoever holds the key.
pub struct SecurityKey {
    key: EcdsaKeyPair,
    pub id: [u8; 16],
    pub user_handle: Vec<u8>,
    /// What pages it signs for.
    pub origin: String,
    pub rp_id: String,
    /// Whether the owner shows a finger.
    pub verifies: bool,
    /// Whether it counts its signatures; those that are synchronised between devices do not.
    pub counts: bool,
    pub counter: u32,
}

impl SecurityKey {
    /// One for the pages of an origin, whose name is `localhost`.
    pub fn new(origin: &str) -> Self {
        let mut id = [0; 16];
        rand::fill(&mut id);
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"),
            id,
            user_handle: Vec::new(),
            origin: origin.to_owned(),
            rp_id: "localhost".to_owned(),
            verifies: true,
            counts: true,
            counter: 0,
        }
    }

    /// Makes the credential that these options ask for.
    pub fn create(&mut self, options: &Value) -> Value {
        let options = &options["publicKey"];
        assert_eq!(options["rp"]["id"], "localhost");
        let selection = &options["authenticatorSelection"];
        assert_eq!(selection["residentKey"], "required");
        assert_eq!(selection["userVerification"], "required");
        let handle = options["user"]["id"].as_str().expect("a user");
        self.user_handle = BASE64.decode(handle).expect("base64url");
        let mut data = self.data(ATTESTED);
        data.extend([0; 16]);
        data.extend([0, 16]);
        data.extend(self.id);
        // COSE (RFC 9053): EC2, ES256, P-256, x and y.
        let point = self.key.public_key().as_ref();
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).expect("a short one"));
        object.extend(data);
        let client = self.client_data("webauthn.create", options);
        self.credential(json!({
            "clientDataJSON": BASE64.encode(client),
            "attestationObject": BASE64.encode(object),
        }))
    }

    /// Signs what these options ask for.
    pub fn sign(&mut self, options: &Value) -> Value {
        let options = &options["publicKey"];
        assert_eq!(options["rpId"], "localhost");
        assert_eq!(options["userVerification"], "required");
        assert_eq!(options["allowCredentials"], json!([]));
        self.counter += u32::from(self.counts);
        let data = self.data(0);
        let client = self.client_data("webauthn.get", options);
        let signed = [&data[..], &Sha256::digest(client.as_bytes())].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed);
        let signature = signature.expect("a signature");
        self.credential(json!({
            "clientDataJSON": BASE64.encode(client),
            "authenticatorData": BASE64.encode(data),
            "signature": BASE64.encode(signature),
            "userHandle": BASE64.encode(&self.user_handle),
        }))
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let verified = if self.verifies { VERIFIED } else { 0 };
        let mut data = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        data.push(flags | PRESENT | verified);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        let data = json!({
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        });
        data.to_string()
    }

    fn credential(&self, response: Value) -> Value {
        let id = BASE64.encode(self.id);
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        })
    }
}
