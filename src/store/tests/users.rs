//! Users: unique names, changes, tombstones.

use super::*;
use crate::store::{Identifier, StoreError, Unique, UserChanges};

fn email(text: &str) -> Option<Email> {
    Some(Email::parse(text).unwrap())
}

on_both! {
    async fn names_and_addresses_are_unique_whatever_their_case(place: &Place) {
        let store = place.store().await;
        let mut ann = new_user("Ann", Role::Client);
        ann.email = email("Ärger@exämple.org");
        let ann = store.insert_user(ann, &BY).await.unwrap();
        assert_eq!((ann.profile.username.as_str(), ann.active), ("Ann", true));
        let mut other = new_user("other", Role::Client);
        other.email = email("äRGER@EXÄMPLE.org");
        let taken = store.insert_user(other, &BY).await.unwrap_err();
        assert!(matches!(taken, StoreError::Conflict(Unique::Email)), "{taken:?}");
        let taken = store.insert_user(new_user("aNN", Role::Client), &BY).await.unwrap_err();
        assert!(matches!(taken, StoreError::Conflict(Unique::Username)), "{taken:?}");
        let found = store.find_credentials(&Identifier::Email("ärger@exämple.org".into())).await;
        assert_eq!(found.unwrap().unwrap().user, ann);
        let found = store.find_credentials(&Identifier::Username("ann".into())).await;
        assert_eq!(found.unwrap().unwrap().password_hash.as_deref(), Some("hash"));
        let odd = store.find_credentials(&Identifier::Username("ann\0".into())).await;
        assert!(odd.unwrap().is_none());
    }

    async fn one_of_many_gets_the_name(place: &Place) {
        let stores = [place.store().await, place.store().await];
        let mut tasks = Vec::new();
        for task in 0..8 {
            let store = stores[task % 2].clone();
            tasks.push(tokio::spawn(async move {
                let mut user = new_user(["ann", "ANN", "Ann"][task % 3], Role::Client);
                user.email = None;
                store.insert_user(user, &BY).await
            }));
        }
        let mut made = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => made += 1,
                Err(StoreError::Conflict(Unique::Username)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(made, 1);
    }

    /// In the moment between the look and the insert another one must not slip in.
    async fn there_is_one_first_admin(place: &Place) {
        let stores = [place.store().await, place.store().await];
        // The first round opens the connections, so that the second is a race.
        for (role, expected) in [(Role::Client, 8), (Role::Admin, 1)] {
            let mut tasks = Vec::new();
            for task in 0..8 {
                let (store, role) = (stores[task % 2].clone(), role.clone());
                tasks.push(tokio::spawn(async move {
                    let user = new_user(&format!("{role}-{task}"), role);
                    store.insert_first_admin(user, &BY).await
                }));
            }
            let mut made = 0;
            for task in tasks {
                match task.await.unwrap() {
                    Ok(_) => made += 1,
                    Err(StoreError::AdminExists) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            assert_eq!(made, expected, "{role}");
        }
    }

    async fn absent_stays_and_none_clears(place: &Place) {
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        let changes = UserChanges {
            bio: Some(Some(crate::domain::user::Bio::parse("climbs").unwrap())),
            full_name: Some(FullName::parse("Ann Lee").unwrap()),
            ..UserChanges::default()
        };
        let changed = store.update_user(ann.id, changes, None, &BY).await.unwrap();
        assert_eq!((changed.bio.as_deref(), changed.profile.full_name.as_str()), (Some("climbs"), "Ann Lee"));
        assert_eq!((&changed.email, &changed.profile.username), (&ann.email, &ann.profile.username));
        assert!(changed.updated_at > ann.updated_at);
        assert_eq!(store.find_user(ann.id).await.unwrap().unwrap(), changed);
        let changes = UserChanges { bio: Some(None), ..UserChanges::default() };
        assert_eq!(store.update_user(ann.id, changes, None, &BY).await.unwrap().bio, None);
        let credentials = store.find_credentials_by_id(ann.id).await.unwrap().unwrap();
        assert_eq!(credentials.password_hash.as_deref(), Some("hash"));
    }

    async fn a_change_takes_no_name_of_another_but_may_respell_the_own(place: &Place) {
        let store = place.store().await;
        let (ann, _) = (user(&store, "ann").await, user(&store, "ben").await);
        let rename = |name| UserChanges {
            username: Some(Username::parse(name).unwrap()),
            ..UserChanges::default()
        };
        let taken = store.update_user(ann.id, rename("BEN"), None, &BY).await.unwrap_err();
        assert!(matches!(taken, StoreError::Conflict(Unique::Username)));
        assert_eq!(store.update_user(ann.id, rename("ANN"), None, &BY).await.unwrap().profile.username, "ANN");
        let changes = UserChanges { email: email("BEN@example.org"), ..UserChanges::default() };
        let taken = store.update_user(ann.id, changes, None, &BY).await.unwrap_err();
        assert!(matches!(taken, StoreError::Conflict(Unique::Email)));
        let nobody = store.update_user(UserId::new(), rename("carl"), None, &BY).await.unwrap_err();
        assert!(matches!(nobody, StoreError::NotFound));
    }

    async fn a_tombstone_frees_name_and_address(place: &Place) {
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        store.delete_user(ann.id, &BY).await.unwrap();
        assert!(store.find_user(ann.id).await.unwrap().is_none());
        assert!(store.find_credentials_by_id(ann.id).await.unwrap().is_none());
        let again = store.delete_user(ann.id, &BY).await.unwrap_err();
        assert!(matches!(again, StoreError::NotFound));
        let next = user(&store, "ann").await;
        assert_eq!(next.email, ann.email);
        store.delete_user(next.id, &BY).await.unwrap();
        user(&store, "ann").await;
    }

    async fn rooms_are_made_once(place: &Place) {
        use crate::domain::room::{RoomName, Topic};
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        let (id, name) = (room("tea"), RoomName::parse("Tea").unwrap());
        let topic = Topic::parse("leaves").unwrap();
        let made = store.insert_room(&id, &name, Some(&topic), ann.id, &BY).await.unwrap();
        assert_eq!((made.head, made.rev, made.topic.as_deref()), (0, 0, Some("leaves")));
        let taken = store.insert_room(&id, &name, None, ann.id, &BY).await.unwrap_err();
        assert!(matches!(taken, StoreError::Conflict(Unique::Room)));
        assert_eq!(store.find_room(&id).await.unwrap(), Some(made.clone()));
        assert_eq!(store.count_rooms_created_since(ann.id, made.created_at).await.unwrap(), 1);
        let later = made.created_at + chrono::TimeDelta::microseconds(1);
        assert_eq!(store.count_rooms_created_since(ann.id, later).await.unwrap(), 0);
        let reader = crate::store::Reader::from(&ann);
        let ids = |rooms: Vec<crate::domain::room::ReadRoom>| -> Vec<String> {
            rooms.iter().map(|r| r.room.id.to_string()).collect()
        };
        let rooms = ids(store.list_rooms(&reader, 10).await.unwrap());
        assert_eq!(rooms, ["tea", "general", "random", "help"]);
        let ann = ann.profile.clone();
        commit(&store, vec![draft(&ann, "help", "please")]).await;
        assert_eq!(ids(store.list_rooms(&reader, 2).await.unwrap()), ["help", "tea"]);
    }
}
