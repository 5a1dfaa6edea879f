//! How many messages each day had.

use chrono::{NaiveDate, TimeDelta};
use uuid::Uuid;

use super::*;
use crate::{clock, store::MessageDay};

/// A message whose id was made so many days ago, at this time of that day.
fn old(sender: &Arc<Profile>, days_ago: i64, time: TimeDelta) -> Draft {
    let day = clock::now().date_naive() - TimeDelta::days(days_ago);
    let at = day.and_time(chrono::NaiveTime::MIN).and_utc() + time;
    let random = MessageId::new().0.as_u128() & ((1 << 80) - 1);
    let millis = u128::from(at.timestamp_millis().unsigned_abs());
    Draft {
        id: MessageId(Uuid::from_u128(millis << 80 | random)),
        ..draft(sender, "general", "x")
    }
}

/// The days that had any, and how long ago each was.
fn busy(days: &[MessageDay]) -> Vec<(usize, i64)> {
    let all = days.iter().rev().enumerate();
    all.filter(|(_, day)| day.messages > 0)
        .map(|(ago, day)| (ago, day.messages))
        .collect()
}

async fn kept(store: &Store) -> Vec<NaiveDate> {
    let mut rows: Vec<NaiveDate> = crate::store::backend::on_reader!(store, db => {
        sqlx::query_scalar("SELECT day FROM message_days ORDER BY day").fetch_all(db).await.unwrap()
    });
    rows.reverse();
    rows
}

on_both! {
    async fn every_day_has_its_messages_and_no_others(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        assert_eq!(busy(&store.messages_per_day(30).await.unwrap()), []);
        let last = TimeDelta::days(1) - TimeDelta::milliseconds(1);
        commit(&store, vec![
            old(&ann, 400, TimeDelta::zero()),
            old(&ann, 40, TimeDelta::hours(5)),
            old(&ann, 3, TimeDelta::zero()),
            old(&ann, 3, TimeDelta::hours(12)),
            old(&ann, 3, last),
            old(&ann, 2, TimeDelta::zero()),
        ]).await;
        let today = clock::now().date_naive();
        let days = store.messages_per_day(30).await.unwrap();
        let expected: Vec<_> = (0..30).rev().map(|ago| today - TimeDelta::days(ago)).collect();
        assert_eq!(days.iter().map(|day| day.day).collect::<Vec<_>>(), expected);
        assert_eq!(busy(&days), [(2, 1), (3, 3)]);
        assert_eq!(busy(&store.messages_per_day(365).await.unwrap()), [(2, 1), (3, 3), (40, 1)]);
        assert_eq!(busy(&store.messages_per_day(3).await.unwrap()), [(2, 1)]);
        assert_eq!(busy(&store.messages_per_day(1).await.unwrap()), []);
    }

    /// Else each look at the numbers reads the whole index.
    async fn a_day_that_is_over_is_counted_once(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        commit(&store, vec![old(&ann, 3, TimeDelta::zero()), draft(&ann, "general", "x")]).await;
        assert_eq!(busy(&store.messages_per_day(30).await.unwrap()), [(0, 1), (3, 1)]);
        let today = clock::now().date_naive();
        let days = kept(&store).await;
        assert!(days.contains(&(today - TimeDelta::days(3))) && !days.contains(&today), "{days:?}");
        assert!(days.len() <= 3, "nothing is kept of before the first message: {days:?}");
        // What no server does: it shows that the day is not counted again.
        commit(&store, vec![old(&ann, 3, TimeDelta::zero()), draft(&ann, "general", "x")]).await;
        for store in [store, place.store().await] {
            assert_eq!(busy(&store.messages_per_day(30).await.unwrap()), [(0, 2), (3, 1)]);
        }
    }

    async fn many_questions_at_once_have_one_answer(place: &Place) {
        let store = place.store().await;
        let ann = profile(&store, "ann").await;
        let drafts = (0..60).map(|ago| old(&ann, ago, TimeDelta::zero())).collect();
        commit(&store, drafts).await;
        let ask = || {
            let store = store.clone();
            tokio::spawn(async move { store.messages_per_day(45).await.unwrap() })
        };
        let asked: Vec<_> = (0..8).map(|_| ask()).collect();
        for answer in asked {
            let days = answer.await.unwrap();
            assert_eq!(days.len(), 45);
            assert!(days.iter().all(|day| day.messages == 1), "{days:?}");
        }
    }
}
