//! Who acts is looked at again in the transaction that acts.

use std::net::{IpAddr, Ipv4Addr};

use chrono::TimeDelta;

use super::{logins::login, *};
use crate::{
    clock,
    domain::{
        api_token::{TokenHash, TokenName},
        audit::Act,
        identity::{Person, Subject},
        ids::{ApiTokenId, IdentityId, PasskeyId},
        mail::LinkToken,
        passkey::PasskeyName,
        permission::{Permission, Permissions},
        role::RoleGrants,
        user::UserKind,
    },
    store::{
        NewApiToken, NewLogin, NewPasskey, NewTicket, NewTotp, PasskeyRow, Proof, RoleChanges,
        StoreError, UsedCeremony, UserChanges,
    },
};

/// Somebody who is signed in: what he does is done so.
pub(super) async fn acting(store: &Store, user: &User) -> By {
    static LAST: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(100);
    let hash = LAST.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let login = login(store, user.id, hash, clock::now() + TimeDelta::days(1)).await;
    By::stranger(IpAddr::V4(Ipv4Addr::LOCALHOST), None).proved(user.id, Some(login))
}

async fn admin(store: &Store, name: &str) -> User {
    let user = new_user(name, Role::Admin);
    store.insert_user(user, &BY).await.unwrap()
}

fn new_token(owner: &User, scopes: Permissions) -> NewApiToken {
    NewApiToken {
        id: ApiTokenId::new(),
        user_id: owner.id,
        name: TokenName::parse("a program").unwrap(),
        hash: TokenHash([1; 32]),
        scopes,
        created_by: owner.id,
        expires_at: None,
    }
}

async fn passkey(store: &Store, owner: &User, by: &By) -> Result<PasskeyRow, StoreError> {
    let passkey = NewPasskey {
        user_id: owner.id,
        credential_id: vec![1],
        credential: "{}".to_owned(),
        name: PasskeyName::parse("key").unwrap(),
    };
    let ceremony = UsedCeremony {
        hash: [1; 32],
        expires_at: clock::now(),
    };
    store.insert_passkey(passkey, ceremony, by).await
}

fn ada() -> Person {
    Person {
        issuer: "https://id.example.org".to_owned(),
        subject: Subject::parse("ada").unwrap(),
        login: None,
        name: None,
        email: None,
    }
}

fn role(name: &str) -> RoleGrants {
    RoleGrants {
        name: name.parse().unwrap(),
        about: String::new(),
        permissions: Permissions::NONE,
        requires_two_factor: false,
    }
}

fn changes() -> UserChanges {
    UserChanges {
        full_name: Some(FullName::parse("Other").unwrap()),
        ..UserChanges::default()
    }
}

fn new_login(user: &User, proof: Proof) -> NewLogin {
    NewLogin {
        id: LoginId::new(),
        user_id: user.id,
        proof,
        device: None,
        address: None,
        network: None,
        device_hash: None,
        refresh_hash: rand::random(),
        refresh_expires_at: clock::now() + TimeDelta::days(1),
        method: "password".to_owned(),
        second_factor: None,
    }
}

fn outdated<T: std::fmt::Debug>(done: Result<T, StoreError>) {
    assert!(matches!(done, Err(StoreError::Outdated)), "{done:?}");
}

fn beyond<T: std::fmt::Debug>(done: Result<T, StoreError>) {
    assert!(matches!(done, Err(StoreError::OutOfReach)), "{done:?}");
}

/// Everything that opens a way in, grants a right, or changes a user or his logins.
async fn all_acts(
    store: &Store,
    who: &User,
    by: &By,
) -> Vec<(&'static str, Result<(), StoreError>)> {
    let id = who.id;
    let totp = NewTotp {
        user_id: id,
        sealed: vec![1],
        step: 1,
        recovery_hashes: vec![],
    };
    let name = PasskeyName::parse("key").unwrap();
    let client = Role::Client;
    vec![
        (
            "token",
            store
                .insert_api_token(new_token(who, Permissions::NONE), UserKind::Person, by)
                .await
                .map(drop),
        ),
        (
            "no token",
            store.delete_api_token(id, ApiTokenId::new(), by).await,
        ),
        (
            "no service's token",
            store
                .delete_service_token(ApiTokenId::new(), by)
                .await
                .map(drop),
        ),
        ("passkey", passkey(store, who, by).await.map(drop)),
        (
            "passkey's name",
            store
                .rename_passkey(id, PasskeyId::new(), name, by)
                .await
                .map(drop),
        ),
        (
            "no passkey",
            store.delete_passkey(id, PasskeyId::new(), by).await,
        ),
        (
            "link",
            store.link_identity(id, "id", ada(), by).await.map(drop),
        ),
        (
            "no link",
            store.unlink_identity(id, IdentityId::new(), by).await,
        ),
        (
            "app begun",
            store.begin_totp(id, vec![1], clock::now(), by).await,
        ),
        ("app", store.confirm_totp(totp, by).await),
        (
            "recovery codes",
            store.replace_recovery_codes(id, vec![], by).await,
        ),
        (
            "no app",
            store
                .remove_two_factor(id, Act::TwoFactorRemove, by)
                .await
                .map(drop),
        ),
        (
            "user",
            store
                .insert_user(new_user("new", client.clone()), by)
                .await
                .map(drop),
        ),
        (
            "change",
            store.update_user(id, changes(), None, by).await.map(drop),
        ),
        ("no user", store.delete_user(id, by).await),
        ("role", store.insert_role(role("new"), by).await.map(drop)),
        (
            "role's change",
            store
                .update_role(client, RoleChanges::default(), by)
                .await
                .map(drop),
        ),
        (
            "no role",
            store.delete_role("new".parse().unwrap(), by).await,
        ),
        (
            "login's end",
            store.end_login_of(id, LoginId::new(), by).await,
        ),
        (
            "others' end",
            store
                .end_all_logins(id, Some(LoginId::new()), by)
                .await
                .map(drop),
        ),
    ]
}

on_both! {
    async fn who_is_signed_in_no_more_does_nothing(place: &Place) {
        let store = place.store().await;
        let ann = admin(&store, "ann").await;
        let ended = acting(&store, &ann).await;
        store.end_login(ended.login.unwrap(), &BY).await.unwrap();
        let mut revoked = By { login: None, ..ended };
        revoked.token = Some(uuid::Uuid::new_v4());
        let mut expired = new_token(&ann, Permissions::ALL);
        expired.expires_at = Some(clock::now() - TimeDelta::seconds(1));
        let expired = store.insert_api_token(expired, UserKind::Person, &BY).await.unwrap();
        let expired = By { token: Some(expired.id.0), ..revoked };
        for by in [ended, revoked, expired] {
            for (act, done) in all_acts(&store, &ann, &by).await {
                assert!(matches!(done, Err(StoreError::Ended)), "{act}: {done:?}");
            }
        }
        let ben = admin(&store, "ben").await;
        let off = acting(&store, &ben).await;
        let changes = UserChanges { active: Some(false), ..UserChanges::default() };
        store.update_user(ben.id, changes, None, &BY).await.unwrap();
        for (act, done) in all_acts(&store, &ben, &off).await {
            assert!(matches!(done, Err(StoreError::Ended)), "{act}: {done:?}");
        }
    }

    /// By a rise of the one who is reset, of which the request knows nothing yet.
    async fn a_second_factor_is_taken_by_who_may_manage_its_owner(place: &Place) {
        let store = place.store().await;
        let mut helper = role("helper");
        helper.permissions = Permissions::of(&[Permission::UsersWrite]);
        store.insert_role(helper.clone(), &BY).await.unwrap();
        let ann = store.insert_user(new_user("ann", helper.name.clone()), &BY).await.unwrap();
        let by = acting(&store, &ann).await;
        let ben = admin(&store, "ben").await;
        beyond(store.remove_two_factor(ben.id, Act::TwoFactorReset, &by).await);
        let changes = UserChanges { role: Some(helper.name), ..UserChanges::default() };
        let carl = admin(&store, "carl").await;
        store.update_user(carl.id, changes, None, &BY).await.unwrap();
        assert!(!store.remove_two_factor(carl.id, Act::TwoFactorReset, &by).await.unwrap());
    }

    /// Each waits for the other's row, and for his own.
    async fn admins_who_change_each_other_do_not_stand_in_each_others_way(place: &Place) {
        let stores = [place.store().await, place.store().await];
        let (ann, ben) = (admin(&stores[0], "ann").await, admin(&stores[0], "ben").await);
        let (anns, bens) = (acting(&stores[0], &ann).await, acting(&stores[0], &ben).await);
        for _ in 0..8 {
            let (one, two, three, four) = tokio::join!(
                stores[0].update_user(ben.id, changes(), None, &anns),
                stores[1].update_user(ann.id, changes(), None, &bens),
                stores[1].update_user(ann.id, changes(), None, &anns),
                stores[0].update_role(Role::Admin, RoleChanges::default(), &bens),
            );
            for done in [one.map(drop), two.map(drop), three.map(drop), four.map(drop)] {
                done.unwrap();
            }
        }
    }

    /// Of two admins who demote each other at once, one was an admin to the end.
    async fn who_is_demoted_demotes_nobody(place: &Place) {
        let stores = [place.store().await, place.store().await];
        admin(&stores[0], "boss").await;
        for round in 0..8 {
            let ann = admin(&stores[0], &format!("ann-{round}")).await;
            let ben = admin(&stores[0], &format!("ben-{round}")).await;
            let (anns, bens) = (acting(&stores[0], &ann).await, acting(&stores[0], &ben).await);
            let demote = UserChanges { role: Some(Role::Client), ..UserChanges::default() };
            let (one, two) = tokio::join!(
                stores[0].update_user(ben.id, demote.clone(), None, &anns),
                stores[1].update_user(ann.id, demote.clone(), None, &bens),
            );
            assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
            beyond(if one.is_ok() { two } else { one });
        }
    }

    async fn a_login_is_kept_while_what_was_proved_is_so(place: &Place) {
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        let key = passkey(&store, &ann, &BY).await.unwrap();
        let ticket = |hash: u8, password: &str| NewTicket {
            hash: [hash; 32],
            user_id: ann.id,
            proved_password: Some(password.to_owned()),
            method: "password".to_owned(),
            enrolls: false,
            expires_at: clock::now() + TimeDelta::minutes(1),
        };
        store.insert_ticket(ticket(1, "hash")).await.unwrap();
        store.insert_ticket(ticket(2, "hash")).await.unwrap();
        for proof in [Proof::Password("hash".into()), Proof::Ticket([1; 32]), Proof::Passkey(key.id)] {
            store.insert_login(new_login(&ann, proof), &BY).await.unwrap();
        }
        outdated(store.insert_login(new_login(&ann, Proof::Ticket([1; 32])), &BY).await);

        let mut changes = UserChanges { password_hash: Some("new".into()), ..UserChanges::default() };
        changes.proved_password = Some("hash".into());
        store.update_user(ann.id, changes.clone(), None, &BY).await.unwrap();
        store.delete_passkey(ann.id, key.id, &BY).await.unwrap();
        for proof in [Proof::Password("hash".into()), Proof::Ticket([2; 32]), Proof::Passkey(key.id)] {
            outdated(store.insert_login(new_login(&ann, proof), &BY).await);
        }
        outdated(store.insert_ticket(ticket(3, "hash")).await);
        outdated(store.update_user(ann.id, changes, None, &BY).await);
        assert!(store.reset_password(&LinkToken::shown("x".into()), "x".into(), &BY).await.is_err());
        store.insert_login(new_login(&ann, Proof::Password("new".into())), &BY).await.unwrap();
    }
}
