//! What can go wrong on the way to a provider and back, with each kind of provider.

use serde_json::{Value, json};

use crate::harness::{
    Answer, Browser, Kind, Lie, Mood, Person, Provider, TestApp, ends_with, known, unique,
};

/// Every kind that is spoken, and what it is called here.
const KINDS: [(Kind, &str); 3] = [
    (Kind::Github, "github"),
    (Kind::Facebook, "facebook"),
    (Kind::Issuer, "home"),
];

/// What goes wrong, the word that the browser's page is told, and what a program is.
const TABLE: [(Trouble, &str, u16, &str); 7] = [
    (Trouble::Denied, "denied", 403, "oauth_denied"),
    (Trouble::OtherState, "expired", 400, "oauth_expired"),
    (Trouble::LateState, "expired", 400, "oauth_expired"),
    (Trouble::ReplayedCode, "failed", 403, "oauth_failed"),
    (Trouble::ForgottenToken, "failed", 403, "oauth_failed"),
    (Trouble::Inactive, "inactive", 401, "unauthenticated"),
    (Trouble::Down, "unavailable", 503, "unavailable"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// Somebody says no at the provider's page.
    Denied,
    /// The browser comes back with a state that was never given to it.
    OtherState,
    /// It comes back after more than ten minutes.
    LateState,
    /// The provider gave this code for an earlier sign-in, and says so in its own way.
    ReplayedCode,
    /// The provider does not know the token that it gave a moment ago, and says so in its own way.
    ForgottenToken,
    /// The account is switched off.
    Inactive,
    /// The provider fails once the browser is back.
    Down,
}

/// What a provider tells of somebody's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Address {
    Proved,
    Unproved,
    Missing,
}

struct Stand {
    app: TestApp,
    provider: Provider,
    kind: Kind,
    name: &'static str,
}

impl Stand {
    async fn new((kind, name): (Kind, &'static str)) -> Self {
        let provider = Provider::start(kind).await;
        let app = TestApp::with(|config| provider.believed_by(config)).await;
        Self {
            app,
            provider,
            kind,
            name,
        }
    }

    /// Somebody new at the provider, as it tells of people.
    fn somebody(&self, address: Address) -> Value {
        let id = rand::random_range(1..u64::MAX >> 12);
        let email = format!("somebody-{id}@people.example");
        let proved = address == Address::Proved;
        let mut person = match self.kind {
            Kind::Github => json!({
                "user": {"id": id, "login": unique("octo"), "name": null, "email": null},
                "emails": [{"email": email, "primary": true, "verified": proved}],
            }),
            Kind::Facebook => json!({"id": id.to_string(), "name": "Ada", "email": email}),
            Kind::Issuer => json!({
                "sub": id.to_string(), "email": email, "email_verified": proved,
            }),
        };
        if address == Address::Missing {
            match self.kind {
                Kind::Github => person["emails"] = json!([]),
                Kind::Facebook | Kind::Issuer => {
                    let told = person.as_object_mut().expect("an object");
                    told.retain(|name, _| !name.starts_with("email"));
                }
            }
        }
        person
    }

    /// How often a code was shown to the provider.
    fn exchanges(&self) -> usize {
        let path = match self.kind {
            Kind::Github => "/login/oauth/access_token",
            Kind::Facebook => "/v24.0/oauth/access_token",
            Kind::Issuer => "/token",
        };
        self.provider.asked(path).len()
    }

    /// Goes to the provider and comes back, and something goes wrong.
    async fn goes_wrong(&self, browser: &mut Browser, trouble: Trouble) -> Answer {
        let Self { app, provider, .. } = self;
        let somebody = self.somebody(match trouble {
            // An issuer's token is of use only where its ID token does not tell the address.
            Trouble::ForgottenToken => Address::Missing,
            _ => Address::Proved,
        });
        let sent_to = browser.begin(self.name).await;
        let mut back = provider.agrees(&sent_to, &somebody);
        match trouble {
            Trouble::Denied => {
                let exchanges = self.exchanges();
                let denied = browser.come_back(&provider.declines(&sent_to)).await;
                assert!(!format!("{denied}").contains("<b>"), "{denied}");
                // The state is used up by a no, too.
                let again = browser.come_back(&back).await;
                assert!(matches!(again.status(), 303 | 400), "{again}");
                assert_eq!(self.exchanges(), exchanges);
                return denied;
            }
            Trouble::OtherState => {
                back.retain(|(name, _)| name != "state");
                back.push(("state".to_owned(), "x".repeat(43)));
            }
            Trouble::LateState => {
                let database = &app.home.database;
                database.age("oauth_states", "expires_at", 601).await;
            }
            Trouble::ReplayedCode => {
                let (_, used) = self.came_before(&somebody).await;
                back.retain(|(name, _)| name != "code");
                back.push(("code".to_owned(), used));
            }
            Trouble::Inactive => {
                let (person, _) = self.came_before(&somebody).await;
                let admin = app.as_user(&app.admin().await);
                admin.deactivate(person.id).await.ok(200);
            }
            Trouble::ForgottenToken => provider.lies(Lie::ForgottenToken),
            Trouble::Down => provider.feels(Mood::Down),
        }
        let exchanges = self.exchanges();
        let answer = browser.come_back(&back).await;
        let asked = self.exchanges() - exchanges;
        let ours = matches!(trouble, Trouble::OtherState | Trouble::LateState);
        assert_eq!(asked, usize::from(!ours), "{:?} {trouble:?}", self.kind);
        provider.feels(Mood::Well);
        provider.lies(Lie::None);
        answer
    }

    /// Signs somebody in; the provider's code that it took.
    async fn came_before(&self, somebody: &Value) -> (Person, String) {
        let mut browser = Browser::new(&self.app);
        let sent_to = browser.begin(self.name).await;
        let back = self.provider.agrees(&sent_to, somebody);
        let code = known(&browser.come_back(&back).await, "code").expect("a code");
        let answer = browser.exchange(&code).await.ok(200);
        let (_, used) = back
            .into_iter()
            .find(|(name, _)| name == "code")
            .expect("a code");
        (Person::from_login(&answer, crate::harness::PASSWORD), used)
    }
}

#[tokio::test]
async fn whatever_goes_wrong_lets_nobody_in_and_is_told() {
    for kind in KINDS {
        let stand = Stand::new(kind).await;
        for (trouble, word, status, code) in TABLE {
            let mut browser = Browser::new(&stand.app);
            let told = stand.goes_wrong(&mut browser, trouble).await;
            ends_with(&told, word);
            let mut program = Browser::program(&stand.app);
            let told = stand.goes_wrong(&mut program, trouble).await;
            assert!(!told.text().contains("maintenance"), "{told}");
            told.refused(status, code);
        }
        // And then somebody comes for whom all is well.
        let somebody = stand.somebody(Address::Proved);
        stand.came_before(&somebody).await;
    }
}

/// Who was let in by the provider and switched off before the last step.
#[tokio::test]
async fn who_is_switched_off_on_the_way_stays_outside() {
    for kind in KINDS {
        let stand = Stand::new(kind).await;
        let Stand {
            app,
            provider,
            name,
            ..
        } = &stand;
        let somebody = stand.somebody(Address::Proved);
        let (person, _) = stand.came_before(&somebody).await;
        let mut browser = Browser::new(app);
        let back = browser.go(name, provider, &somebody).await;
        let admin = app.as_user(&app.admin().await);
        admin.deactivate(person.id).await.ok(200);
        let late = browser.exchange(&known(&back, "code").unwrap()).await;
        late.refused(401, "unauthenticated");
    }
}

/// Only an address that was proved is kept, and Facebook proves none.
#[tokio::test]
async fn an_address_is_kept_if_it_was_proved() {
    for kind in KINDS {
        let stand = Stand::new(kind).await;
        for address in [Address::Proved, Address::Unproved, Address::Missing] {
            let somebody = stand.somebody(address);
            let (person, _) = stand.came_before(&somebody).await;
            let me = stand.app.as_user(&person).me().await.ok(200);
            let kept = address == Address::Proved && kind.0 != Kind::Facebook;
            assert_eq!(me["email"].is_string(), kept, "{kind:?} {address:?}: {me}");
            let (again, _) = stand.came_before(&somebody).await;
            assert_eq!(again.id, person.id);
        }
    }
}
