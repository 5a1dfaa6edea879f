//! Numbers without holes, and one author's fault harms nobody else.

use std::collections::HashMap;

use super::*;

on_both! {
    /// Two servers may share one database during a switch-over; nothing may be numbered twice.
    async fn numbers_have_no_hole_over_concurrent_batches(place: &Place) {
        let stores = match place {
            // A second writer of the same file, as from the command line.
            Place::Sqlite(_) | Place::Postgres { .. } => [place.store().await, place.store().await],
        };
        let ann = profile(&stores[0], "ann").await;
        let mut tasks = Vec::new();
        for task in 0..8 {
            let (store, ann) = (stores[task % 2].clone(), ann.clone());
            tasks.push(tokio::spawn(async move {
                let mut made = Vec::new();
                for batch in 0..10 {
                    // Rooms in another order each time: locks taken in it would deadlock.
                    let mut rooms = ["general", "help", "random"];
                    rooms.rotate_left((task + batch) % 3);
                    let drafts = (0..(task * 7 + batch) % 90 + 1)
                        .map(|n| draft(&ann, rooms[n % 3], &format!("{task} {batch} {n}")))
                        .collect::<Vec<_>>();
                    let rooms: Vec<_> = drafts.iter().map(|d| d.room_id.clone()).collect();
                    let receipts = commit(&store, drafts).await;
                    let numbers = receipts.iter().map(|o| receipt(o).seq);
                    made.extend(rooms.into_iter().zip(numbers));
                }
                made
            }));
        }
        let mut by_room: HashMap<RoomId, Vec<i64>> = HashMap::new();
        for task in tasks {
            for (room, seq) in task.await.unwrap() {
                by_room.entry(room).or_default().push(seq);
            }
        }
        for (room, mut seqs) in by_room {
            seqs.sort_unstable();
            let expected: Vec<i64> = (1..=seqs.len() as i64).collect();
            assert_eq!(seqs, expected, "{room}");
            let stored = stores[1].find_room(&room).await.unwrap().unwrap();
            assert_eq!((stored.head, stored.rev), (seqs.len() as i64, seqs.len() as i64));
            assert!(stored.last_message_at.is_some());
        }
    }

    async fn drafts_of_a_batch_keep_their_order_and_all_chunks_arrive(place: &Place) {
        let store = place.store().await;
        let (ann, ben) = (profile(&store, "ann").await, profile(&store, "ben").await);
        let drafts: Vec<_> = (0..512)
            .map(|n| {
                // Sorted by sender and client id they would stand the other way round.
                let sender = if n % 2 == 0 { &ben } else { &ann };
                named(sender, "general", &format!("{:04}", 9999 - n), &format!("text {n}"))
            })
            .collect();
        let ids: Vec<_> = drafts.iter().map(|d| d.id).collect();
        let outcomes = commit(&store, drafts).await;
        for (n, outcome) in outcomes.iter().enumerate() {
            let receipt = receipt(outcome);
            assert_eq!((receipt.id, receipt.seq, receipt.rev), (ids[n], n as i64 + 1, n as i64 + 1));
            assert!(!receipt.duplicate);
        }
        let stored = store.messages_after(&room("general"), 0, 600).await.unwrap();
        assert_eq!(stored.iter().map(|m| m.id).collect::<Vec<_>>(), ids);
        assert_eq!(stored[511].content, "text 511");
        assert_eq!(stored[511].created_at, receipt(&outcomes[0]).created_at);
        assert_eq!(stored[511].sender, *ann);
    }

    async fn one_authors_fault_does_not_fail_the_others(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        let nobody = Arc::new(Profile {
            id: UserId::new(),
            username: "nobody".into(),
            full_name: "Nobody".into(),
        });
        let mut drafts: Vec<_> =
            (0..100).map(|n| draft(&ann, "general", &format!("{n}"))).collect();
        drafts[17] = draft(&nobody, "general", "from nobody");
        drafts[18] = named(&nobody, "general", "n", "from nobody");
        drafts[19] = named(&nobody, "general", "n", "from nobody");
        drafts[60] = draft(&ann, "no-such-room", "to nowhere");
        drafts[99] = draft(&nobody, "help", "from nobody");
        let outcomes = commit(&store, drafts).await;
        let mut seqs = Vec::new();
        for (place, outcome) in outcomes.iter().enumerate() {
            match place {
                17..=19 | 99 => assert_eq!(*outcome, Outcome::Refused, "{place}"),
                60 => assert_eq!(*outcome, Outcome::UnknownRoom),
                _ => seqs.push(receipt(outcome).seq),
            }
        }
        assert_eq!(seqs, (1..=95).collect::<Vec<i64>>(), "no number is burnt, and order is kept");
        assert_eq!(store.find_room(&room("help")).await.unwrap().unwrap().head, 0);
    }

    /// Their messages stay, so the row must too.
    async fn a_deleted_sender_is_still_known_to_the_database(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        store.delete_user(ann.id, &BY).await.unwrap();
        let outcomes = commit(&store, vec![draft(&ann, "general", "too late")]).await;
        assert_eq!(receipt(&outcomes[0]).seq, 1);
    }

    async fn an_empty_batch_is_nothing(place: &Place) {
        let store = place.store().await;
        assert!(commit(&store, Vec::new()).await.is_empty());
    }

    async fn resolving_tells_what_is_stored(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        let stored: Arc<[Draft]> = vec![
            draft(&ann, "general", "one"),
            named(&ann, "help", "two", "two"),
        ].into();
        let outcomes = store.commit_batch(stored.clone()).await.unwrap();
        let mut mixed = stored.to_vec();
        mixed.insert(1, draft(&ann, "general", "never committed"));
        mixed.push(draft(&ann, "no-such-room", "never committed"));
        let found = store.resolve_batch(mixed.into()).await.unwrap();
        assert_eq!(found[0], Some(receipt(&outcomes[0])));
        assert_eq!(found[2], Some(receipt(&outcomes[1])));
        assert_eq!((found[1], found[3]), (None, None));
        let again = commit(&store, vec![draft(&ann, "general", "next")]).await;
        assert_eq!(receipt(&again[0]).seq, 2, "resolving burns no number");
    }
}
