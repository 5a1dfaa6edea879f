//! Reading what was said.

use super::*;

on_both! {
    async fn pages_meet_without_gap_or_overlap(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        let general = room("general");
        let drafts = (1..=25).map(|n| named(&ann, "general", &n.to_string(), "x")).collect();
        commit(&store, drafts).await;
        commit(&store, vec![draft(&ann, "help", "elsewhere")]).await;
        let seqs = |page: Vec<crate::domain::message::Message>| -> Vec<i64> {
            page.iter().map(|m| m.seq).collect()
        };
        let before = |cursor| store.messages_before(&general, cursor, 10);
        assert_eq!(seqs(before(i64::MAX).await.unwrap()), (16..=25).collect::<Vec<_>>());
        assert_eq!(seqs(before(16).await.unwrap()), (6..=15).collect::<Vec<_>>());
        assert_eq!(seqs(before(6).await.unwrap()), (1..=5).collect::<Vec<_>>());
        assert_eq!(seqs(before(i64::MIN).await.unwrap()), Vec::<i64>::new());
        let after = store.messages_after(&general, 20, 3).await.unwrap();
        assert_eq!(seqs(after), [21, 22, 23]);
        let changed = store.messages_changed(&general, 5, 9, 3).await.unwrap();
        assert_eq!(seqs(changed), [6, 7, 8]);
        let changed = store.messages_changed(&general, 8, 9, 3).await.unwrap();
        assert_eq!(seqs(changed), [9]);
    }

    async fn a_message_is_read_as_it_was_written(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        let written = named(&ann, "general", "a ~", "two\nlines, 日本語 and \u{1F642}");
        let receipt = receipt(&commit(&store, vec![written.clone()]).await[0]);
        let read = store.find_message(written.id).await.unwrap().unwrap();
        assert_eq!(read.content, written.content.as_str());
        assert_eq!(read.client_message_id, written.client_message_id);
        assert_eq!((read.seq, read.rev, read.created_at), (receipt.seq, receipt.rev, receipt.created_at));
        assert_eq!(read.room_id, written.room_id);
        let unknown = MessageId::new();
        assert!(store.find_message(unknown).await.unwrap().is_none());
        assert_eq!(store.find_messages(&[unknown, written.id]).await.unwrap(), [read]);
        assert!(store.find_messages(&[]).await.unwrap().is_empty());
    }

    async fn messages_stay_under_a_tombstone(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        commit(&store, vec![draft(&ann, "general", "before I go")]).await;
        store.delete_user(ann.id, &BY).await.unwrap();
        let left = store.messages_after(&room("general"), 0, 10).await.unwrap().remove(0);
        assert_eq!(left.content, "before I go");
        assert_eq!(left.sender.id, ann.id);
        assert_eq!((left.sender.username.as_str(), left.sender.full_name.as_str()), ("deleted", "Deleted user"));
    }
}
