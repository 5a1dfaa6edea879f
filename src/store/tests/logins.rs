//! Logins begin, end and are forgotten.

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::{
    clock,
    domain::ids::LoginId,
    store::{NewLogin, Proof, StoreError, UserChanges},
};

pub(super) async fn login(
    store: &Store,
    user: UserId,
    hash: u8,
    expires: DateTime<Utc>,
) -> LoginId {
    let id = LoginId::new();
    let login = NewLogin {
        id,
        user_id: user,
        proof: Proof::Other,
        device: None,
        address: None,
        network: None,
        device_hash: None,
        refresh_hash: [hash; 32],
        refresh_expires_at: expires,
        method: "password".to_owned(),
        second_factor: None,
    };
    store.insert_login(login, &BY).await.unwrap();
    id
}

on_both! {
    async fn a_login_ends_once_and_others_hear_of_it(place: &Place) {
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        let expires = clock::now() + TimeDelta::days(1);
        let one = login(&store, ann.id, 1, expires).await;
        let two = login(&store, ann.id, 2, expires).await;
        let three = login(&store, ann.id, 3, expires).await;
        store.end_login(one, &BY).await.unwrap();
        store.end_login(one, &BY).await.unwrap();
        store.end_login(LoginId::new(), &BY).await.unwrap();
        assert!(store.find_active_login(one).await.unwrap().is_none());
        assert!(store.find_active_login(two).await.unwrap().is_some());
        store.end_all_logins(ann.id, Some(three), &BY).await.unwrap();
        assert!(store.find_active_login(two).await.unwrap().is_none());
        assert!(store.find_active_login(three).await.unwrap().is_some());
        store.end_all_logins(ann.id, None, &BY).await.unwrap();
        store.end_all_logins(ann.id, None, &BY).await.unwrap();
        let told = store.auth_changes_since(DateTime::UNIX_EPOCH).await.unwrap();
        let told: Vec<_> = told.iter().map(login_of).collect();
        assert_eq!(told, [Some(one), Some(two), None]);
    }

    async fn nobody_signs_in_who_is_switched_off(place: &Place) {
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        let off = UserChanges { active: Some(false), ..UserChanges::default() };
        store.update_user(ann.id, off, None, &BY).await.unwrap();
        let login = NewLogin {
            id: LoginId::new(),
            user_id: ann.id,
            proof: Proof::Other,
            device: None,
            address: None,
            network: None,
            device_hash: None,
            refresh_hash: [1; 32],
            refresh_expires_at: clock::now(),
            method: "password".to_owned(),
            second_factor: None,
        };
        let refused = store.insert_login(login, &BY).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotFound));
    }

    async fn only_dead_logins_are_forgotten(place: &Place) {
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        let now = clock::now();
        let open = login(&store, ann.id, 1, now + TimeDelta::days(30)).await;
        let ended = login(&store, ann.id, 2, now + TimeDelta::days(30)).await;
        login(&store, ann.id, 3, now + TimeDelta::hours(1)).await;
        store.end_login(ended, &BY).await.unwrap();
        assert_eq!(store.prune_logins(now - TimeDelta::hours(1)).await.unwrap(), 0);
        assert_eq!(store.prune_logins(now + TimeDelta::days(1)).await.unwrap(), 2);
        assert!(store.find_active_login(open).await.unwrap().is_some());
    }
}
