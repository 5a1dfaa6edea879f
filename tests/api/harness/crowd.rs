//! People and tokens that a test needs more quickly than anybody can register.

use std::time::Duration;

use parlor::{
    auth::Keys,
    config::AuthConfig,
    domain::{
        audit::By,
        ids::{LoginId, UserId},
        user::{FullName, Role, Username},
    },
    store::{NewLogin, NewUser, Proof},
};

use super::{Person, TestApp};

impl TestApp {
    /// A token of the same login that lasts for another time.
    pub async fn token_for(&self, person: &Person, lifetime: Duration) -> String {
        let keys = self.keys();
        let claims = keys.verify(&person.token).expect("a token of ours").claims;
        let user = self.store.find_user(person.id).await.expect("the store");
        let user = user.expect("the user is there");
        let issued = keys.issue(&user, claims.sid, lifetime);
        issued.expect("a token").0
    }

    /// Many people, signed in without passwords.
    pub async fn crowd(&self, count: usize) -> Vec<Person> {
        let mut crowd = Vec::with_capacity(count);
        for number in 1..=count {
            crowd.push(self.one_more(&format!("member{number:04}")).await);
        }
        crowd
    }

    async fn one_more(&self, username: &str) -> Person {
        let (login, full_name) = (LoginId::new(), format!("{username} Example"));
        let user = NewUser {
            id: UserId::new(),
            username: Username::parse(username).expect("a user name"),
            email: None,
            full_name: FullName::parse(&full_name).expect("a name"),
            phone_number: None,
            password_hash: None,
            role: Role::Client,
        };
        let user = self
            .store
            .insert_user(user, &By::server())
            .await
            .expect("a user");
        let mut refresh_hash = [0; 32];
        refresh_hash[..16].copy_from_slice(login.0.as_bytes());
        let login = NewLogin {
            id: login,
            user_id: user.id,
            proof: Proof::Other,
            device: None,
            address: None,
            network: None,
            device_hash: None,
            refresh_hash,
            refresh_expires_at: user.created_at + Duration::from_secs(3_600),
            method: "password".to_owned(),
            second_factor: None,
        };
        let sid = login.id;
        self.store
            .insert_login(login, &By::server())
            .await
            .expect("a login");
        let issued = self.keys().issue(&user, sid, Duration::from_secs(3_600));
        Person {
            id: user.id,
            username: username.to_owned(),
            email: String::new(),
            full_name,
            password: String::new(),
            token: issued.expect("a token").0,
            refresh_token: String::new(),
        }
    }

    fn keys(&self) -> Keys {
        Keys::open(&AuthConfig::default(), &self.home.data()).expect("the server's keys")
    }
}
