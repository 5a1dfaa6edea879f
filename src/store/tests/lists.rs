//! Searching, sorting, paging and counting users.

use super::*;
use crate::store::{Statistics, UserQuery, UserSort};

fn all() -> UserQuery {
    UserQuery {
        text: None,
        search_contacts: false,
        role: None,
        active: None,
        sort: UserSort::CreatedAt,
        descending: false,
        page: 1,
        limit: 100,
    }
}

async fn names(store: &Store, query: UserQuery) -> Vec<String> {
    let (users, total) = store.list_users(&query).await.unwrap();
    if query.page == 1 && total <= i64::from(query.limit) {
        assert_eq!(users.len() as i64, total);
    }
    users
        .into_iter()
        .map(|user| user.profile.username.clone())
        .collect()
}

async fn named_user(store: &Store, name: &str, full_name: &str, role: Role) -> User {
    let mut user = new_user(name, role);
    user.full_name = FullName::parse(full_name).unwrap();
    store.insert_user(user, &BY).await.unwrap()
}

on_both! {
    async fn a_search_takes_every_letter_literally(place: &Place) {
        let store = place.store().await;
        named_user(&store, "a_b", "Under Score", Role::Client).await;
        named_user(&store, "axb", "100% sure", Role::Client).await;
        named_user(&store, "back", r"C:\folder", Role::Client).await;
        named_user(&store, "umlaut", "ÄRGER Groß", Role::Client).await;
        let search = |text: &str| UserQuery { text: Some(text.to_owned()), ..all() };
        assert_eq!(names(&store, search("a_b")).await, ["a_b"]);
        assert_eq!(names(&store, search("0%")).await, ["axb"]);
        assert_eq!(names(&store, search(r":\F")).await, ["back"]);
        assert_eq!(names(&store, search("ärger")).await, ["umlaut"]);
        assert_eq!(names(&store, search("")).await.len(), 4);
        assert!(names(&store, search(r"\\")).await.is_empty());
        assert!(names(&store, search("a\0b")).await.is_empty());
        assert!(names(&store, search(&"%".repeat(200_000))).await.is_empty());
    }

    async fn addresses_are_searched_only_when_asked(place: &Place) {
        let store = place.store().await;
        let mut ann = new_user("ann", Role::Client);
        ann.phone_number = Some(crate::domain::user::PhoneNumber::parse("+49 30 555").unwrap());
        store.insert_user(ann, &BY).await.unwrap();
        for text in ["EXAMPLE.org", "30 555"] {
            let query = UserQuery { text: Some(text.into()), ..all() };
            assert!(names(&store, query.clone()).await.is_empty(), "{text}");
            let query = UserQuery { search_contacts: true, ..query };
            assert_eq!(names(&store, query).await, ["ann"], "{text}");
        }
    }

    async fn both_databases_sort_alike(place: &Place) {
        let store = place.store().await;
        for (name, full_name) in [("b-1", "zoe"), ("A.2", "Öde"), ("b_1", "Adam"), ("C-3", "adam b")] {
            named_user(&store, name, full_name, Role::Client).await;
        }
        let mut silent = new_user("silent", Role::Client);
        silent.email = None;
        store.insert_user(silent, &BY).await.unwrap();
        let sorted = |sort, descending| UserQuery { sort, descending, ..all() };
        let by_name = names(&store, sorted(UserSort::Username, false)).await;
        assert_eq!(by_name, ["A.2", "b-1", "b_1", "C-3", "silent"]);
        let by_full_name = names(&store, sorted(UserSort::FullName, false)).await;
        assert_eq!(by_full_name, ["b_1", "C-3", "silent", "b-1", "A.2"]);
        let by_age = names(&store, sorted(UserSort::CreatedAt, true)).await;
        assert_eq!(by_age, ["silent", "C-3", "b_1", "A.2", "b-1"]);
        for descending in [false, true] {
            let by_email = names(&store, sorted(UserSort::Email, descending)).await;
            assert_eq!(by_email.last().map(String::as_str), Some("silent"), "no address: last");
        }
    }

    async fn pages_hold_everybody_once(place: &Place) {
        let store = place.store().await;
        for n in 0..7 {
            let role = if n % 2 == 0 { Role::Trainer } else { Role::Client };
            named_user(&store, &format!("user{n}"), "Same Name", role).await;
        }
        let mut seen = Vec::new();
        for page in 1..=4 {
            let query = UserQuery { page, limit: 3, sort: UserSort::FullName, ..all() };
            let (users, total) = store.list_users(&query).await.unwrap();
            assert_eq!(total, 7);
            seen.extend(users.into_iter().map(|user| user.profile.username.clone()));
        }
        assert_eq!(seen.len(), 7);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 7);
        let far = UserQuery { page: u32::MAX, limit: u32::MAX, ..all() };
        assert!(names(&store, far).await.is_empty());
        let trainers = UserQuery { role: Some(Role::Trainer), active: Some(true), ..all() };
        assert_eq!(names(&store, trainers).await.len(), 4);
    }

    async fn statistics_count_who_is_there(place: &Place) {
        let store = place.store().await;
        named_user(&store, "ann", "Ann", Role::Trainer).await;
        let ben = named_user(&store, "ben", "Ben", Role::Client).await;
        let gone = named_user(&store, "gone", "Gone", Role::Client).await;
        let off = crate::store::UserChanges { active: Some(false), ..Default::default() };
        store.update_user(ben.id, off, None, &BY).await.unwrap();
        let sender = gone.profile.clone();
        commit(&store, vec![draft(&sender, "help", "1"), draft(&sender, "general", "2")]).await;
        store.delete_user(gone.id, &BY).await.unwrap();
        let Statistics { by_role, totals } = store.statistics().await.unwrap();
        assert_eq!((totals.total, totals.active, totals.inactive), (2, 1, 1));
        let by_role: Vec<_> = by_role.into_iter().collect();
        assert_eq!(by_role, [(Role::Client, 1), (Role::Trainer, 1), (Role::Admin, 0)]);
        assert_eq!((totals.messages, totals.rooms), (2, 3));
    }
}
