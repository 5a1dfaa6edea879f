//! Roles: what they grant, who may change them, and what stands in the way of their end.

use super::{actors::acting, *};
use crate::{
    domain::{
        permission::{Permission, Permissions},
        role::{About, RoleGrants},
    },
    store::{RoleChanges, StoreError, UserChanges},
};

fn named(name: &str, permissions: &[Permission]) -> RoleGrants {
    RoleGrants {
        name: name.parse().unwrap(),
        about: String::new(),
        permissions: Permissions::of(permissions),
        requires_two_factor: false,
    }
}

fn granting(permissions: &[Permission]) -> RoleChanges {
    RoleChanges {
        permissions: Some(Permissions::of(permissions)),
        ..RoleChanges::default()
    }
}

fn with_role(role: &Role) -> UserChanges {
    UserChanges {
        role: Some(role.clone()),
        ..UserChanges::default()
    }
}

on_both! {
    async fn a_fresh_database_grants_what_was_always_allowed(place: &Place) {
        let store = place.store().await;
        let roles = store.list_roles().await.unwrap();
        let names: Vec<_> = roles.iter().map(|role| role.name.clone()).collect();
        assert_eq!(names, Role::BUILT_IN);
        for role in roles {
            assert_eq!(role.permissions, Permissions::sample(&role.name), "{}", role.name);
            assert!(!role.requires_two_factor);
            let user = store.insert_user(new_user(role.name.as_str(), role.name.clone()), &BY).await;
            assert_eq!(user.unwrap().permissions, role.permissions);
        }
    }

    async fn a_role_is_made_given_changed_and_deleted(place: &Place) {
        let store = place.store().await;
        let ann = user(&store, "ann").await;
        let helper = named("helper", &[Permission::UsersRead, Permission::StatisticsRead]);
        store.insert_role(helper.clone(), &BY).await.unwrap();
        assert_eq!(store.find_role(&helper.name).await.unwrap().as_ref(), Some(&helper));
        let twice = store.insert_role(helper.clone(), &BY).await;
        assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");

        let changed = store.update_user(ann.id, with_role(&helper.name), None, &BY).await.unwrap();
        assert_eq!(changed.permissions, helper.permissions, "at once");
        let in_use = store.delete_role(helper.name.clone(), &BY).await;
        assert!(matches!(in_use, Err(StoreError::RoleInUse)), "{in_use:?}");

        let changes = RoleChanges {
            about: Some(About::parse("Helps.").unwrap()),
            requires_two_factor: Some(true),
            ..granting(&[Permission::UsersRead])
        };
        let after = store.update_role(helper.name.clone(), changes, &BY).await.unwrap();
        assert_eq!((after.about.as_str(), after.requires_two_factor), ("Helps.", true));
        assert_eq!(store.find_role(&helper.name).await.unwrap(), Some(after.clone()));
        let ann = store.find_user(ann.id).await.unwrap().unwrap();
        assert_eq!(ann.permissions, after.permissions);
        let told = store.auth_changes_since(chrono::DateTime::UNIX_EPOCH).await.unwrap();
        assert_eq!(told.last().unwrap().of, Changed::Role(helper.name.clone()));

        store.delete_user(ann.id, &BY).await.unwrap();
        store.delete_role(helper.name.clone(), &BY).await.unwrap();
        assert_eq!(store.find_role(&helper.name).await.unwrap(), None);
        let gone = store.delete_role(helper.name.clone(), &BY).await;
        assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
        let unknown = store.insert_user(new_user("ben", helper.name), &BY).await;
        assert!(matches!(unknown, Err(StoreError::UnknownRole)), "{unknown:?}");
    }

    async fn an_admin_keeps_everything_and_built_in_roles_stay(place: &Place) {
        let store = place.store().await;
        let less = store.update_role(Role::Admin, granting(&[]), &BY).await;
        assert!(matches!(less, Err(StoreError::BuiltInRole)), "{less:?}");
        let secured = RoleChanges { requires_two_factor: Some(true), ..RoleChanges::default() };
        assert!(store.update_role(Role::Admin, secured, &BY).await.unwrap().requires_two_factor);
        for role in Role::BUILT_IN {
            let refused = store.delete_role(role, &BY).await;
            assert!(matches!(refused, Err(StoreError::BuiltInRole)), "{refused:?}");
        }
        store.update_role(Role::Client, granting(&[]), &BY).await.unwrap();
        assert_eq!(user(&store, "ann").await.permissions, Permissions::NONE);
    }

    async fn nobody_reaches_above_himself(place: &Place) {
        let store = place.store().await;
        let manager = named("manager", &[
            Permission::UsersRead,
            Permission::UsersWrite,
            Permission::UsersDelete,
            Permission::RolesManage,
        ]);
        let low = named("low", &[Permission::UsersRead]);
        let high = named("high", &[Permission::UsersRead, Permission::AuditRead]);
        for role in [&low, &high, &manager] {
            store.insert_role(role.clone(), &BY).await.unwrap();
        }
        let max = store.insert_user(new_user("max", manager.name.clone()), &BY).await.unwrap();
        let by = acting(&store, &max).await;
        for refused in [
            store.insert_role(named("audit", &[Permission::AuditRead]), &by).await.map(drop),
            store.update_role(low.name.clone(), granting(&[Permission::AuditRead]), &by).await.map(drop),
            store.update_role(high.name.clone(), granting(&[Permission::UsersRead]), &by).await.map(drop),
            store.delete_role(high.name.clone(), &by).await,
            store.insert_user(new_user("eva", high.name.clone()), &by).await.map(drop),
        ] {
            assert!(matches!(refused, Err(StoreError::OutOfReach)), "{refused:?}");
        }
        let ann = store.insert_user(new_user("ann", low.name.clone()), &BY).await.unwrap();
        let eve = store.insert_user(new_user("eve", high.name.clone()), &BY).await.unwrap();
        for refused in [
            store.update_user(ann.id, with_role(&high.name), None, &by).await.map(drop),
            store.update_user(eve.id, UserChanges::default(), None, &by).await.map(drop),
            store.delete_user(eve.id, &by).await,
        ] {
            assert!(matches!(refused, Err(StoreError::OutOfReach)), "{refused:?}");
        }
        store.update_user(ann.id, with_role(&low.name), None, &by).await.unwrap();
        store.delete_user(ann.id, &by).await.unwrap();
    }

    async fn there_are_not_more_roles_than_there_may_be(place: &Place) {
        let store = place.store().await;
        for n in 3..100 {
            store.insert_role(named(&format!("role-{n}"), &[]), &BY).await.unwrap();
        }
        let refused = store.insert_role(named("one-more", &[]), &BY).await;
        assert!(matches!(refused, Err(StoreError::TooMany(100))), "{refused:?}");
        assert_eq!(store.list_roles().await.unwrap().len(), 100);
    }

    /// A role must not be deleted in the moment in which somebody is given it.
    async fn a_role_is_given_or_deleted(place: &Place) {
        let stores = [place.store().await, place.store().await];
        for round in 0..8 {
            let role = named(&format!("role-{round}"), &[]);
            stores[0].insert_role(role.clone(), &BY).await.unwrap();
            let (given, deleted) = tokio::join!(
                stores[0].insert_user(new_user(&format!("user-{round}"), role.name.clone()), &BY),
                stores[1].delete_role(role.name.clone(), &BY),
            );
            match (&given, &deleted) {
                (Ok(_), Err(StoreError::RoleInUse)) | (Err(StoreError::UnknownRole), Ok(())) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
