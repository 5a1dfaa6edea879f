//! A refresh token is used once; a stolen one ends its login.

use chrono::{DateTime, TimeDelta};

use super::{logins::login, *};
use crate::{
    clock,
    domain::ids::LoginId,
    store::{Refreshed, Rotation, UserChanges},
};

const GRACE: Duration = Duration::from_secs(10);

async fn signed_in(store: &Store) -> (User, LoginId) {
    let ann = user(store, "ann").await;
    let id = login(store, ann.id, 1, clock::now() + TimeDelta::days(1)).await;
    (ann, id)
}

async fn rotate(store: &Store, old: u8, new: u8, grace: Duration) -> Rotation {
    let expires = clock::now() + TimeDelta::days(1);
    store
        .rotate_refresh([old; 32], [new; 32], expires, None, grace, &BY)
        .await
        .unwrap()
}

fn rotated(rotation: &Rotation) -> bool {
    matches!(rotation, Rotation::Rotated(_))
}

on_both! {
    async fn a_token_is_exchanged_for_the_next(place: &Place) {
        let store = place.store().await;
        let (ann, id) = signed_in(&store).await;
        let first = rotate(&store, 1, 2, GRACE).await;
        let refreshed = Refreshed { login: id, user: ann, ends_at: None };
        assert_eq!(first, Rotation::Rotated(Box::new(refreshed)));
        assert!(rotated(&rotate(&store, 2, 3, GRACE).await));
        assert_eq!(rotate(&store, 77, 78, GRACE).await, Rotation::Unknown);
    }

    async fn the_direct_predecessor_gets_a_sibling_within_the_grace(place: &Place) {
        let store = place.store().await;
        signed_in(&store).await;
        assert!(rotated(&rotate(&store, 1, 2, GRACE).await));
        assert!(rotated(&rotate(&store, 1, 3, GRACE).await), "the answer was lost");
        assert!(rotated(&rotate(&store, 3, 4, GRACE).await), "the sibling works");
    }

    async fn a_predecessor_whose_successor_was_used_ends_the_family(place: &Place) {
        let store = place.store().await;
        let (ann, id) = signed_in(&store).await;
        assert!(rotated(&rotate(&store, 1, 2, GRACE).await));
        assert!(rotated(&rotate(&store, 2, 3, GRACE).await));
        let reused = rotate(&store, 1, 4, GRACE).await;
        assert_eq!(reused, Rotation::Reused { login: id, user_id: ann.id });
        assert_eq!(rotate(&store, 3, 5, GRACE).await, Rotation::Unknown, "the heir is out too");
        assert!(store.find_active_login(id).await.unwrap().is_none());
        let told = store.auth_changes_since(DateTime::UNIX_EPOCH).await.unwrap();
        assert_eq!(told.iter().map(login_of).collect::<Vec<_>>(), [Some(id)]);
        assert_eq!(rotate(&store, 1, 6, GRACE).await, Rotation::Unknown);
    }

    async fn after_the_grace_a_used_token_ends_the_family(place: &Place) {
        let store = place.store().await;
        let (_, id) = signed_in(&store).await;
        assert!(rotated(&rotate(&store, 1, 2, GRACE).await));
        assert!(matches!(rotate(&store, 1, 3, Duration::ZERO).await, Rotation::Reused { .. }));
        assert!(store.find_active_login(id).await.unwrap().is_none());
    }

    async fn an_expired_token_or_a_switched_off_user_gets_nothing(place: &Place) {
        let store = place.store().await;
        let (ann, id) = signed_in(&store).await;
        login(&store, ann.id, 9, clock::now() - TimeDelta::seconds(1)).await;
        assert_eq!(rotate(&store, 9, 10, GRACE).await, Rotation::Unknown);
        let off = UserChanges { active: Some(false), ..UserChanges::default() };
        store.update_user(ann.id, off, None, &BY).await.unwrap();
        assert_eq!(rotate(&store, 1, 2, GRACE).await, Rotation::Unknown);
        assert!(store.find_active_login(id).await.unwrap().is_none());
    }

    /// Two tabs wake up together.
    async fn tokens_rotated_at_the_same_moment_all_work(place: &Place) {
        let stores = [place.store().await, place.store().await];
        signed_in(&stores[0]).await;
        let mut tasks = Vec::new();
        for task in 0..6_u8 {
            let store = stores[usize::from(task) % 2].clone();
            tasks.push(tokio::spawn(async move { rotate(&store, 1, 10 + task, GRACE).await }));
        }
        for task in tasks {
            assert!(rotated(&task.await.unwrap()));
        }
        assert!(rotated(&rotate(&stores[0], 13, 30, GRACE).await));
        assert!(matches!(rotate(&stores[1], 1, 31, GRACE).await, Rotation::Reused { .. }));
    }
}
