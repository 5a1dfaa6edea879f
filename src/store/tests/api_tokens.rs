//! API tokens: who has one, how many, and when it was used.

use chrono::{DateTime, TimeDelta, Utc};

use super::{actors::acting, *};
use crate::{
    clock,
    domain::{
        api_token::{ApiToken, TokenHash, TokenName},
        ids::ApiTokenId,
        permission::{Permission, Permissions},
        user::UserKind,
    },
    store::{NewApiToken, StoreError, UserChanges},
};

const ALL: Permissions = Permissions::ALL;

fn new_token(owner: &User, number: u8) -> NewApiToken {
    NewApiToken {
        id: ApiTokenId::new(),
        user_id: owner.id,
        name: TokenName::parse("a program").unwrap(),
        hash: TokenHash([number; 32]),
        scopes: Permissions::of(&[Permission::MessagesRead]),
        created_by: owner.id,
        expires_at: None,
    }
}

async fn token(store: &Store, owner: &User, number: u8) -> Result<ApiToken, StoreError> {
    let token = new_token(owner, number);
    store.insert_api_token(token, UserKind::Person, &BY).await
}

async fn last_use(store: &Store, owner: &User) -> Option<DateTime<Utc>> {
    let listed = store.list_api_tokens(owner.id).await.unwrap();
    listed[0].last_used_at
}

on_both! {
    async fn a_token_is_found_by_its_hash_until_it_is_revoked(place: &Place) {
        let store = place.store().await;
        let (ann, ben) = (user(&store, "ann").await, user(&store, "ben").await);
        let made = token(&store, &ann, 1).await.unwrap();
        assert_eq!(store.list_api_tokens(ann.id).await.unwrap().first(), Some(&made));
        let found = store.find_api_token(TokenHash([1; 32])).await.unwrap().unwrap();
        assert_eq!((found.id, &found.user, found.scopes), (made.id, &ann, made.scopes));
        assert!(store.find_api_token(TokenHash([2; 32])).await.unwrap().is_none());

        let others = store.delete_api_token(ben.id, made.id, &BY).await;
        assert!(matches!(others, Err(StoreError::NotFound)), "{others:?}");
        let services = store.delete_service_token(made.id, &BY).await;
        assert!(matches!(services, Err(StoreError::NotFound)), "{services:?}");
        let off = UserChanges { active: Some(false), ..UserChanges::default() };
        store.update_user(ann.id, off, None, &BY).await.unwrap();
        assert!(store.find_api_token_by_id(made.id).await.unwrap().is_none(), "switched off");
        let on = UserChanges { active: Some(true), ..UserChanges::default() };
        store.update_user(ann.id, on, None, &BY).await.unwrap();
        assert!(store.find_api_token_by_id(made.id).await.unwrap().is_some());
        store.delete_api_token(ann.id, made.id, &BY).await.unwrap();
        assert!(store.find_api_token(TokenHash([1; 32])).await.unwrap().is_none());
    }

    async fn an_account_has_fifty_at_most(place: &Place) {
        let stores = [place.store().await, place.store().await];
        let ann = user(&stores[0], "ann").await;
        for number in 1..50 {
            token(&stores[0], &ann, number).await.unwrap();
        }
        let (one, two) = tokio::join!(token(&stores[0], &ann, 50), token(&stores[1], &ann, 51));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let full = token(&stores[0], &ann, 52).await;
        assert!(matches!(full, Err(StoreError::TooMany(50))), "{full:?}");
    }

    async fn a_token_reaches_no_further_than_who_makes_it(place: &Place) {
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        let (own, in_person) = (ann.permissions, acting(&store, &ann).await);
        let insert = async |number, scopes, by: By| {
            let token = NewApiToken { scopes, ..new_token(&ann, number) };
            store.insert_api_token(token, UserKind::Person, &by).await
        };
        let made = insert(1, own, in_person).await.unwrap();
        let by_token = By { login: None, token: Some(made.id.0), ..in_person };
        for (scopes, by) in [(ALL, in_person), (own, by_token)] {
            let refused = insert(2, scopes, by).await;
            assert!(matches!(refused, Err(StoreError::OutOfReach)), "{refused:?}");
        }
    }

    async fn the_last_use_is_noted_once_a_minute(place: &Place) {
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        let made = token(&store, &ann, 1).await.unwrap();
        assert_eq!(last_use(&store, &ann).await, None);
        store.touch_api_token(made.id).await.unwrap();
        let first = last_use(&store, &ann).await.unwrap();
        store.touch_api_token(made.id).await.unwrap();
        assert_eq!(last_use(&store, &ann).await, Some(first));
        let before = clock::now() - TimeDelta::seconds(61);
        store.move_last_use(made.id, before).await;
        store.touch_api_token(made.id).await.unwrap();
        assert!(last_use(&store, &ann).await.unwrap() >= first);
    }

    async fn a_service_has_tokens_and_no_way_in(place: &Place) {
        let store = place.store().await;
        let mut account = new_user("importer", Role::Client);
        (account.email, account.password_hash) = (None, None);
        let service = store.insert_service(account, &BY).await.unwrap();
        assert_eq!(service.kind, UserKind::Service);
        let personal = token(&store, &service, 1).await;
        assert!(matches!(personal, Err(StoreError::NotFound)), "{personal:?}");
        let made = store
            .insert_api_token(new_token(&service, 1), UserKind::Service, &BY)
            .await
            .unwrap();
        let listed = store.list_service_tokens(10).await.unwrap();
        assert_eq!(listed, [(made.clone(), service.clone())]);
        let password = UserChanges { password_hash: Some("new".into()), ..UserChanges::default() };
        let refused = store.update_user(service.id, password, None, &BY).await;
        assert!(matches!(refused, Err(StoreError::ServiceAccount)), "{refused:?}");
        assert_eq!(store.delete_service_token(made.id, &BY).await.unwrap(), service.id);
        store.delete_user(service.id, &BY).await.unwrap();
    }
}

impl Store {
    /// Moves the last use of a token to another time.
    async fn move_last_use(&self, id: ApiTokenId, at: DateTime<Utc>) {
        let moved = self.write("update", "api_tokens", {
            let store = self.clone();
            async move {
                crate::store::backend::in_transaction!(store, tx => {
                    sqlx::query("UPDATE api_tokens SET last_used_at = $2 WHERE id = $1")
                        .bind(id)
                        .bind(at)
                        .execute(&mut *tx)
                        .await?;
                    Ok::<_, StoreError>(())
                })?;
                Ok(())
            }
        });
        moved.await.unwrap();
    }
}
