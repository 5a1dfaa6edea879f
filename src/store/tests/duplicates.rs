//! `(sender, client_message_id)` names one message, whoever says it again and how often.

use super::*;

on_both! {
    async fn the_same_id_from_several_tasks_is_one_message(place: &Place) {
        let stores = [place.store().await, place.store().await];
        let ann = profile(&stores[0], "ann").await;
        for round in 0..10 {
            let mut tasks = Vec::new();
            for task in 0..8 {
                let (store, ann) = (stores[task % 2].clone(), ann.clone());
                tasks.push(tokio::spawn(async move {
                    let name = format!("retry {round}");
                    let drafts = vec![
                        draft(&ann, "general", "company"),
                        named(&ann, "general", &name, "the same"),
                        draft(&ann, "help", "company"),
                    ];
                    receipt(&commit(&store, drafts).await[1])
                }));
            }
            let mut receipts = Vec::new();
            for task in tasks {
                receipts.push(task.await.unwrap());
            }
            let first: Vec<_> = receipts.iter().filter(|r| !r.duplicate).collect();
            assert_eq!(first.len(), 1, "one of them was the first");
            assert!(receipts.iter().all(|r| (r.id, r.seq) == (first[0].id, first[0].seq)));
        }
        let head = stores[0].find_room(&room("general")).await.unwrap().unwrap().head;
        assert_eq!(head, 10 * 9, "8 companions and 1 message a round, no number burnt");
        let stored = stores[0].messages_after(&room("general"), 0, 200).await.unwrap();
        assert_eq!(stored.len() as i64, head);
    }

    /// The unique index is met in other rooms, where no row lock puts the two in one order.
    async fn the_same_id_in_two_rooms_at_once_is_a_conflict_for_one(place: &Place) {
        let stores = [place.store().await, place.store().await];
        let ann = profile(&stores[0], "ann").await;
        for round in 0..20 {
            let name = format!("retry {round}");
            let (one, two) = tokio::join!(
                commit(&stores[0], vec![named(&ann, "general", &name, "x")]),
                commit(&stores[1], vec![named(&ann, "help", &name, "x")]),
            );
            let conflicts = [one, two].iter().filter(|o| o[0] == Outcome::Conflict).count();
            assert_eq!(conflicts, 1);
        }
    }

    async fn a_batch_meets_itself(place: &Place) {
        let store = place.store().await;
        let (ann, ben) = (profile(&store, "ann").await, profile(&store, "ben").await);
        let outcomes = commit(&store, vec![
            named(&ann, "general", "a", "first"),
            named(&ann, "general", "a", "first"),
            named(&ann, "general", "a", "other content"),
            named(&ann, "help", "a", "first"),
            named(&ben, "general", "a", "another sender"),
        ]).await;
        let first = receipt(&outcomes[0]);
        assert!(!first.duplicate);
        assert_eq!(receipt(&outcomes[1]), Receipt { duplicate: true, ..first });
        assert_eq!(outcomes[2..4], [Outcome::Conflict, Outcome::Conflict]);
        assert_eq!((receipt(&outcomes[4]).seq, receipt(&outcomes[4]).duplicate), (2, false));
    }

    /// The first of its name in the batch is refused, and the second is still the retry that it is.
    async fn a_batch_meets_an_earlier_message(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        let first = receipt(&commit(&store, vec![named(&ann, "general", "a", "stored")]).await[0]);
        let outcomes = commit(&store, vec![
            named(&ann, "general", "new", "new"),
            named(&ann, "general", "a", "other content"),
            named(&ann, "general", "a", "stored"),
            named(&ann, "help", "a", "stored"),
            draft(&ann, "general", "without a name"),
            named(&ann, "general", "a", "a third content"),
        ]).await;
        assert_eq!(receipt(&outcomes[0]).seq, 2);
        assert_eq!(outcomes[1], Outcome::Conflict);
        assert_eq!(receipt(&outcomes[2]), Receipt { duplicate: true, ..first });
        assert_eq!(outcomes[3], Outcome::Conflict);
        assert_eq!(receipt(&outcomes[4]).seq, 3, "no number is burnt");
        assert_eq!(outcomes[5], Outcome::Conflict);
    }

    async fn a_refused_name_is_free_for_the_next(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        let outcomes = commit(&store, vec![
            named(&ann, "no-such-room", "a", "x"),
            named(&ann, "no-such-room", "a", "x"),
            named(&ann, "general", "a", "x"),
            named(&ann, "general", "a", "x"),
            named(&ann, "no-such-room", "a", "x"),
        ]).await;
        assert_eq!(outcomes[..2], [Outcome::UnknownRoom, Outcome::UnknownRoom]);
        assert_eq!((receipt(&outcomes[2]).seq, receipt(&outcomes[2]).duplicate), (1, false));
        assert!(receipt(&outcomes[3]).duplicate);
    }

    /// The journal may hand in a batch again whose outcome it could not learn.
    async fn a_batch_committed_twice_is_stored_once(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        let batch: Arc<[Draft]> = (0..70)
            .map(|n| match n % 2 {
                0 => draft(&ann, "general", "unnamed"),
                _ => named(&ann, "general", &n.to_string(), "named"),
            })
            .collect();
        let first = store.commit_batch(batch.clone()).await.unwrap();
        let again = store.commit_batch(batch).await.unwrap();
        for (first, again) in first.iter().zip(&again) {
            assert_eq!(receipt(again), Receipt { duplicate: true, ..receipt(first) });
        }
        assert_eq!(store.find_room(&room("general")).await.unwrap().unwrap().head, 70);
    }
}
