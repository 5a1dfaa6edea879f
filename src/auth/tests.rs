//! Identity and its end, against a real database.

use std::time::Duration;

use actix_web::{App, test, web};
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::{
    clock,
    domain::{
        audit::By,
        ids::{LoginId, UserId},
        user::{FullName, Role, User, Username},
    },
    metrics::Metrics,
    store::{NewLogin, NewUser, Proof, Store, StoreOptions, UserChanges},
};

const HOUR: Duration = Duration::from_secs(3600);
const SECRET: &[u8] = b"a secret of at least 32 bytes, yes";

/// One server's view of a database, and another process's.
struct Place {
    _folder: tempfile::TempDir,
    store: Store,
    elsewhere: Store,
    authenticator: Authenticator,
    revocations: Revocations,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            url: format!("sqlite://{}", folder.path().join("parlor.db").display()).into(),
            max_connections: 2,
            allow_unsafe: false,
            acquire_timeout: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
            mail: false,
        };
        let open = async || {
            Store::open(&options, Metrics::new().unwrap())
                .await
                .unwrap()
        };
        let (store, elsewhere) = (open().await, open().await);
        let authenticator = Authenticator::new(Keys::from_secret(SECRET), store.clone(), HOUR);
        let revocations = Revocations::new(authenticator.clone(), store.clone());
        Self {
            _folder: folder,
            store,
            elsewhere,
            authenticator,
            revocations,
        }
    }

    async fn user(&self, name: &str, role: Role) -> User {
        let user = NewUser {
            id: UserId::new(),
            username: Username::parse(name).unwrap(),
            email: None,
            full_name: FullName::parse(name).unwrap(),
            phone_number: None,
            password_hash: None,
            role,
        };
        self.store.insert_user(user, &By::server()).await.unwrap()
    }

    async fn sign_in(&self, user: &User) -> (LoginId, String) {
        let id = LoginId::new();
        let login = NewLogin {
            id,
            user_id: user.id,
            proof: Proof::Other,
            device: None,
            address: None,
            network: None,
            device_hash: None,
            refresh_hash: std::array::from_fn(|_| rand::random()),
            refresh_expires_at: clock::now() + HOUR,
            method: "password".to_owned(),
            second_factor: None,
        };
        self.store.insert_login(login, &By::server()).await.unwrap();
        (id, self.authenticator.issue(user, id, None).unwrap().token)
    }

    /// Changes a user as another process would; nobody is told.
    async fn change_elsewhere(&self, user: &User, changes: UserChanges) {
        self.elsewhere
            .update_user(user.id, changes, None, &By::server())
            .await
            .unwrap();
    }
}

fn inactive() -> UserChanges {
    UserChanges {
        active: Some(false),
        ..UserChanges::default()
    }
}

#[tokio::test]
async fn the_database_says_who_one_is_and_not_the_token() {
    let place = Place::new().await;
    let ann = place.user("ann", Role::Client).await;
    let (login, token) = place.sign_in(&ann).await;
    let identity = place.authenticator.authenticate(&token).await.unwrap();
    assert_eq!((identity.user.id, identity.login()), (ann.id, Some(login)));
    assert_eq!(identity.user.role, Role::Client);

    let role = Some(Role::Trainer);
    place
        .change_elsewhere(
            &ann,
            UserChanges {
                role,
                ..UserChanges::default()
            },
        )
        .await;
    let (user_id, login_id) = (ann.id, None);
    place.revocations.announce(Revoked { user_id, login_id });
    let identity = place.authenticator.authenticate(&token).await.unwrap();
    assert_eq!(identity.user.role, Role::Trainer, "with the same token");
}

#[tokio::test]
async fn a_login_that_ended_ends_alone_and_at_once() {
    let place = Place::new().await;
    let ann = place.user("ann", Role::Client).await;
    let (phone, on_phone) = place.sign_in(&ann).await;
    let (_, on_laptop) = place.sign_in(&ann).await;
    for token in [&on_phone, &on_laptop] {
        place.authenticator.authenticate(token).await.unwrap();
    }
    place.store.end_login(phone, &By::server()).await.unwrap();
    let (user_id, login_id) = (ann.id, Some(phone));
    place.revocations.announce(Revoked { user_id, login_id });
    let refused = place.authenticator.authenticate(&on_phone).await;
    assert!(matches!(refused, Err(AuthError::Invalid)), "{refused:?}");
    place.authenticator.authenticate(&on_laptop).await.unwrap();
}

#[tokio::test]
async fn a_well_signed_token_of_nobody_is_refused() {
    let place = Place::new().await;
    let (ann, bob) = (
        place.user("ann", Role::Client).await,
        place.user("bob", Role::Admin).await,
    );
    let (login, _) = place.sign_in(&ann).await;
    let keys = Keys::from_secret(SECRET);
    let of = |user: &User, login| keys.issue(user, login, HOUR).unwrap().0;
    for (token, why) in [
        (of(&ann, LoginId::new()), "no such login"),
        (of(&bob, login), "another one's login"),
    ] {
        let refused = place.authenticator.authenticate(&token).await;
        assert!(
            matches!(refused, Err(AuthError::Invalid)),
            "{why}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn what_another_process_changes_acts_here_soon() {
    let place = Place::new().await;
    let ann = place.user("ann", Role::Client).await;
    let (_, token) = place.sign_in(&ann).await;
    place.authenticator.authenticate(&token).await.unwrap();

    let (tell, mut told) = mpsc::unbounded_channel();
    place.revocations.subscribe(Box::new(move |revoked| {
        let _ = tell.send(revoked.clone());
    }));
    let (stop, stopped) = oneshot::channel::<()>();
    let poll = tokio::spawn(place.revocations.clone().poll(async {
        let _ = stopped.await;
    }));
    place.change_elsewhere(&ann, inactive()).await;
    let expected = Change::User(Revoked {
        user_id: ann.id,
        login_id: None,
    });
    let heard = async { while told.recv().await.expect("the poller runs") != expected {} };
    tokio::time::timeout(Duration::from_secs(10), heard)
        .await
        .expect("the change is told");
    let refused = place.authenticator.authenticate(&token).await;
    assert!(matches!(refused, Err(AuthError::Invalid)), "{refused:?}");

    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(10), poll)
        .await
        .expect("it stops")
        .unwrap();
}

/// A subscriber that asks the authenticator must not be answered from before the change.
#[tokio::test]
async fn who_is_told_of_a_change_can_see_it() {
    let place = Place::new().await;
    let ann = place.user("ann", Role::Client).await;
    let (_, token) = place.sign_in(&ann).await;
    place.authenticator.authenticate(&token).await.unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let (authenticator, bearer) = (place.authenticator.clone(), token.clone());
    place.revocations.subscribe(Box::new(move |_| {
        let (authenticator, bearer, tell) = (authenticator.clone(), bearer.clone(), tell.clone());
        tokio::spawn(async move { tell.send(authenticator.authenticate(&bearer).await) });
    }));
    place.change_elsewhere(&ann, inactive()).await;
    let (user_id, login_id) = (ann.id, None);
    place.revocations.announce(Revoked { user_id, login_id });
    assert!(matches!(
        told.recv().await.unwrap(),
        Err(AuthError::Invalid)
    ));
}

#[tokio::test]
async fn a_database_that_is_gone_makes_nobody_invalid() {
    let place = Place::new().await;
    let ann = place.user("ann", Role::Client).await;
    let (_, known) = place.sign_in(&ann).await;
    let (_, unknown) = place.sign_in(&ann).await;
    place.authenticator.authenticate(&known).await.unwrap();
    place.store.close().await;
    place
        .authenticator
        .authenticate(&known)
        .await
        .expect("what is known stays known");
    let refused = place.authenticator.authenticate(&unknown).await;
    assert!(
        matches!(refused, Err(AuthError::Unavailable(_))),
        "{refused:?}"
    );
}

async fn admit<G>(_: G) -> &'static str {
    "come in"
}

#[actix_web::test]
async fn a_signature_lets_in_whom_it_names() {
    let place = Place::new().await;
    let mut tokens = Vec::new();
    for role in Role::BUILT_IN {
        let user = place.user(&role.to_string(), role).await;
        tokens.push(place.sign_in(&user).await.1);
    }
    let app = App::new()
        .app_data(web::Data::new(place.authenticator.clone()))
        .route("/user", web::get().to(admit::<AuthUser>))
        .route("/maybe", web::get().to(admit::<MaybeUser>))
        .route("/trainer", web::get().to(admit::<Require<SeeStatistics>>))
        .route("/admin", web::get().to(admit::<Require<Administer>>));
    let app = test::init_service(app).await;
    let get = async |path: &str, token: Option<&str>| {
        let mut request = test::TestRequest::get().uri(path);
        if let Some(token) = token {
            request = request.insert_header(("authorization", format!("Bearer {token}")));
        }
        let response = test::call_service(&app, request.to_request()).await;
        response.status().as_u16()
    };
    for (path, by_role, nobody) in [
        ("/user", [200, 200, 200], 401),
        ("/maybe", [200, 200, 200], 200),
        ("/trainer", [403, 200, 200], 401),
        ("/admin", [403, 403, 200], 401),
    ] {
        for (token, expected) in tokens.iter().zip(by_role) {
            assert_eq!(get(path, Some(token)).await, expected, "{path}");
        }
        assert_eq!(get(path, None).await, nobody, "{path} for nobody");
        assert_eq!(
            get(path, Some("x.y.z")).await,
            401,
            "{path} with a bad token"
        );
    }
}
