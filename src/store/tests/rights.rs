//! The last admin, and what others hear of changed rights.

use super::*;
use crate::{
    domain::ids::LoginId,
    store::{NewLogin, Proof, StoreError, UserChanges},
};

async fn admin(store: &Store, name: &str) -> User {
    store
        .insert_user(new_user(name, Role::Admin), &BY)
        .await
        .unwrap()
}

async fn login(store: &Store, user: &User) -> LoginId {
    let id = LoginId::new();
    let refresh_hash = Content::parse(id.to_string()).unwrap().hash().0;
    store
        .insert_login(
            NewLogin {
                id,
                user_id: user.id,
                proof: Proof::Other,
                device: Some("a\0device ".repeat(100)),
                address: Some("::1".into()),
                network: Some("::".into()),
                device_hash: None,
                refresh_hash,
                refresh_expires_at: crate::clock::now() + chrono::TimeDelta::days(1),
                method: "password".to_owned(),
                second_factor: None,
            },
            &BY,
        )
        .await
        .unwrap();
    id
}

async fn told(store: &Store) -> Vec<Option<LoginId>> {
    let all = store
        .auth_changes_since(chrono::DateTime::UNIX_EPOCH)
        .await
        .unwrap();
    all.iter().map(login_of).collect()
}

on_both! {
    async fn the_last_active_admin_stays(place: &Place) {
        let store = place.store().await;
        assert!(!store.has_admin().await.unwrap());
        let (ann, ben) = (admin(&store, "ann").await, admin(&store, "ben").await);
        let off = UserChanges { active: Some(false), ..UserChanges::default() };
        let demote = UserChanges { role: Some(Role::Client), ..UserChanges::default() };
        store.update_user(ben.id, off.clone(), None, &BY).await.unwrap();
        for refused in [
            store.update_user(ann.id, off, None, &BY).await.map(|_| ()),
            store.update_user(ann.id, demote.clone(), None, &BY).await.map(|_| ()),
            store.delete_user(ann.id, &BY).await,
        ] {
            assert!(matches!(refused, Err(StoreError::LastAdmin)), "{refused:?}");
        }
        assert!(store.has_admin().await.unwrap());
        store.update_user(ben.id, demote, None, &BY).await.unwrap();
        let on = UserChanges { active: Some(true), role: Some(Role::Admin), ..UserChanges::default() };
        store.update_user(ben.id, on, None, &BY).await.unwrap();
        store.delete_user(ann.id, &BY).await.unwrap();
    }

    /// Each sees another admin left, and both go.
    async fn two_admins_cannot_remove_each_other(place: &Place) {
        let stores = [place.store().await, place.store().await];
        let mut one = admin(&stores[0], "admin0").await;
        for round in 1..10 {
            let two = admin(&stores[0], &format!("admin{round}")).await;
            let demote = UserChanges { role: Some(Role::Client), ..UserChanges::default() };
            let (first, second) = tokio::join!(
                stores[0].update_user(one.id, demote, None, &BY),
                stores[1].delete_user(two.id, &BY),
            );
            assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
            assert!(stores[0].has_admin().await.unwrap());
            if first.is_ok() {
                one = two;
            }
        }
    }

    async fn a_new_password_ends_the_other_logins(place: &Place) {
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        let (kept, lost) = (login(&store, &ann).await, login(&store, &ann).await);
        let changes = UserChanges { password_hash: Some("new".into()), ..UserChanges::default() };
        store.update_user(ann.id, changes.clone(), Some(kept), &BY).await.unwrap();
        assert_eq!(store.find_active_login(kept).await.unwrap().map(|u| u.id), Some(ann.id));
        assert!(store.find_active_login(lost).await.unwrap().is_none());
        assert_eq!(told(&store).await, [Some(lost)]);
        let credentials = store.find_credentials_by_id(ann.id).await.unwrap().unwrap();
        assert_eq!(credentials.password_hash.as_deref(), Some("new"));
        store.update_user(ann.id, changes, None, &BY).await.unwrap();
        assert!(store.find_active_login(kept).await.unwrap().is_none());
        assert_eq!(told(&store).await, [Some(lost), None]);
    }

    async fn switching_off_ends_every_login_for_good(place: &Place) {
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        let session = login(&store, &ann).await;
        let active = |active| UserChanges { active: Some(active), ..UserChanges::default() };
        store.update_user(ann.id, active(false), Some(session), &BY).await.unwrap();
        assert!(store.find_active_login(session).await.unwrap().is_none());
        assert_eq!(told(&store).await.last(), Some(&None));
        store.update_user(ann.id, active(true), None, &BY).await.unwrap();
        assert!(store.find_active_login(session).await.unwrap().is_none(), "not revived");
        let session = login(&store, &ann).await;
        store.delete_user(ann.id, &BY).await.unwrap();
        assert!(store.find_active_login(session).await.unwrap().is_none());
    }

    async fn a_role_is_announced_and_a_name_is_not(place: &Place) {
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        let name = UserChanges {
            username: Some(Username::parse("anna").unwrap()),
            ..UserChanges::default()
        };
        store.update_user(ann.id, name, None, &BY).await.unwrap();
        assert!(told(&store).await.is_empty());
        let role = UserChanges { role: Some(Role::Trainer), ..UserChanges::default() };
        store.update_user(ann.id, role, None, &BY).await.unwrap();
        assert_eq!(told(&store).await, [None]);
        let later = crate::clock::now() + chrono::TimeDelta::seconds(1);
        assert!(store.auth_changes_since(later).await.unwrap().is_empty());
        assert_eq!(store.prune_auth_changes(later).await.unwrap(), 1);
        assert!(told(&store).await.is_empty());
    }
}
