//! Read marks: they only rise, and a newcomer has read what is old.

use super::*;
use crate::{domain::ids::Seq, store::Reader};

async fn say(store: &Store, sender: &Arc<Profile>, room_id: &str, count: usize) {
    for _ in 0..count {
        // Each at a time of its own.
        commit(store, vec![draft(sender, room_id, "x")]).await;
    }
}

async fn read(store: &Store, reader: &Reader, id: &str) -> (Seq, Seq) {
    let found = store.find_read_room(reader, &room(id)).await.unwrap();
    let found = found.unwrap();
    let list = store.list_rooms(reader, 10).await.unwrap();
    assert!(list.contains(&found), "the list tells the same: {list:?}");
    (found.read, found.room.head)
}

async fn raise(store: &Store, reader: &Reader, id: &str, seq: Seq) -> Seq {
    let raised = store.raise_read_mark(reader, &room(id), seq).await.unwrap();
    raised.unwrap().read
}

on_both! {
    async fn who_comes_later_has_read_what_is_old(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        say(&store, &ann, "general", 7).await;
        say(&store, &ann, "help", 3).await;
        let ben = Reader::from(&user(&store, "ben").await);
        assert_eq!(read(&store, &ben, "general").await, (7, 7));
        for after in 1..=9 {
            say(&store, &ann, "general", 1).await;
            // Another each time: the first look keeps the mark.
            let other = Reader { id: user(&store, &format!("user-{after}")).await.id, ..ben };
            assert_eq!(read(&store, &other, "general").await, (7, 7 + after));
        }
        assert_eq!(read(&store, &ben, "general").await, (7, 16));
        assert_eq!(read(&store, &ben, "help").await, (3, 3), "nobody spoke since");
        say(&store, &ann, "random", 2).await;
        assert_eq!(read(&store, &ben, "random").await, (0, 2), "it was empty then");
        let ann = Reader { id: ann.id, since: chrono::DateTime::UNIX_EPOCH };
        assert_eq!(read(&store, &ann, "general").await, (0, 16), "she was there first");
    }

    async fn a_mark_rises_to_the_head_and_never_falls(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        say(&store, &ann, "general", 3).await;
        let ben = Reader::from(&user(&store, "ben").await);
        say(&store, &ann, "general", 3).await;
        assert_eq!(raise(&store, &ben, "general", 2).await, 3, "older than the account");
        assert_eq!(raise(&store, &ben, "general", 5).await, 5);
        assert_eq!(raise(&store, &ben, "general", 4).await, 5);
        assert_eq!(raise(&store, &ben, "general", Seq::MAX).await, 6);
        assert_eq!(read(&store, &ben, "general").await, (6, 6));
        say(&store, &ann, "general", 1).await;
        assert_eq!(read(&store, &ben, "general").await, (6, 7), "the head is not its limit for ever");
        assert_eq!(store.raise_read_mark(&ben, &room("nowhere"), 1).await.unwrap(), None);
    }

    async fn many_marks_at_once_are_all_kept(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        let mut readers = Vec::new();
        for n in 0..8 {
            readers.push(Reader::from(&user(&store, &format!("user-{n}")).await));
        }
        say(&store, &ann, "general", 30).await;
        let mut tasks = Vec::new();
        for seq in 1..=30 {
            for reader in readers.clone() {
                let store = store.clone();
                tasks.push(tokio::spawn(async move {
                    assert!(raise(&store, &reader, "general", seq).await >= seq);
                }));
            }
        }
        // Whoever goes away takes no other's mark along.
        for task in tasks.iter().step_by(7).take(8) {
            task.abort();
        }
        for task in tasks {
            match task.await {
                Ok(()) => {}
                Err(ended) => assert!(ended.is_cancelled(), "{ended}"),
            }
        }
        for reader in &readers {
            let (seq, _) = read(&store, reader, "general").await;
            assert_eq!(seq, 30, "none of those that were stopped");
        }
    }
}
