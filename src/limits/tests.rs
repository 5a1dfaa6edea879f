use std::{net::Ipv4Addr, time::Duration};

use super::*;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn limits() -> Limits {
    Limits::new(&LimitsConfig {
        messages_per_second: 1,
        room_messages_per_second: 0,
        login_attempts_per_minute: 2,
        registrations_per_minute: 1,
        ..LimitsConfig::default()
    })
}

fn until_refused<T>(mut attempt: impl FnMut() -> Result<T, Exhausted>) -> (u32, Duration) {
    let mut allowed = 0;
    loop {
        match attempt() {
            Ok(_) => allowed += 1,
            Err(refused) => return (allowed, refused.wait),
        }
        assert!(allowed < 5_000, "there is no limit");
    }
}

fn room(name: &str) -> RoomId {
    RoomId::parse(name).unwrap()
}

fn address(number: u32) -> IpAddr {
    IpAddr::V4(number.into())
}

#[test]
fn one_who_talks_too_much_silences_nobody_else() {
    let limits = limits();
    let (ann, bob) = (UserId::new(), UserId::new());
    let (allowed, wait) = until_refused(|| limits.message(ann, &room("general")));
    assert!(
        (5..=6).contains(&allowed),
        "a burst is five seconds' worth: {allowed}"
    );
    assert!(wait <= Duration::from_secs(1), "{wait:?}");
    assert!(limits.message(bob, &room("general")).is_ok());
}

/// Many accounts do not make a room unreadable.
#[test]
fn a_room_has_limits_of_its_own() {
    let limits = Limits::new(&LimitsConfig {
        room_messages_per_second: 2,
        room_typing_per_second: 2,
        room_joins_per_second: 1,
        ..LimitsConfig::default()
    });
    let general = room("general");
    let (messages, _) = until_refused(|| limits.message(UserId::new(), &general));
    assert!((10..=12).contains(&messages), "{messages}");
    let (typing, _) = until_refused(|| limits.typing(UserId::new(), &general));
    assert!((10..=12).contains(&typing), "{typing}");
    let (joins, _) = until_refused(|| limits.join(UserId::new(), &general));
    assert!((20..=22).contains(&joins), "{joins}");
    let other = room("random");
    assert!(limits.message(UserId::new(), &other).is_ok());
    assert!(limits.typing(UserId::new(), &other).is_ok());
    assert!(limits.join(UserId::new(), &other).is_ok());
}

#[test]
fn an_account_is_guarded_against_guesses_from_everywhere() {
    let limits = limits();
    let mut from = 0_u32;
    let (allowed, _) = until_refused(|| {
        from += 1;
        let spelling = if from.is_multiple_of(2) {
            "Ann@example.org"
        } else {
            "ann@EXAMPLE.org"
        };
        limits.login(spelling, address(from), Known::No)
    });
    assert_eq!(allowed, 2, "other spellings are the same account");
}

#[test]
fn an_address_cannot_try_one_account_after_the_other() {
    let limits = limits();
    let mut account = 0;
    let (allowed, _) = until_refused(|| {
        account += 1;
        limits.login(&account.to_string(), HERE, Known::No)
    });
    assert_eq!(allowed, 12);
}

/// Strangers use up their own attempts, and those of nobody whom the account knows.
#[test]
fn strangers_lock_nobody_out() {
    let limits = limits();
    let strangers = |number| limits.login("ann", address(number), Known::No);
    let mut from = 0;
    until_refused(|| {
        from += 1;
        strangers(from).map(Attempt::failed)
    });
    assert!(strangers(9_999).is_err(), "all strangers together");

    let home = address(10_000);
    assert!(limits.login("ann", home, Known::Network).is_ok());
    let phone = Known::Device([1; 32]);
    assert!(
        limits.login("ann", address(1), phone).is_ok(),
        "wherever it is"
    );

    // One in the same network uses up what is known of the network, not what the device has.
    until_refused(|| {
        limits
            .login("ann", home, Known::Network)
            .map(Attempt::failed)
    });
    assert!(limits.login("ann", home, Known::Device([2; 32])).is_ok());

    // And one who tries many names from there locks out none who is known there.
    until_refused(|| {
        from += 1;
        limits.login(&from.to_string(), home, Known::No)
    });
    assert!(limits.login("bob", home, Known::Network).is_ok());
}

/// Who is known has limits, too, or whoever steals the cookie has none.
#[test]
fn who_is_known_does_not_guess_without_end() {
    let limits = limits();
    for known in [Known::Network, Known::Device([7; 32])] {
        let guess = || limits.login("ann", HERE, known).map(Attempt::failed);
        let (allowed, wait) = until_refused(guess);
        assert_eq!(allowed, 2, "{known:?}");
        assert!(wait > Duration::from_secs(20), "{wait:?}");
    }
}

#[test]
fn a_right_guess_ends_the_wait_but_not_that_of_strangers() {
    let limits = limits();
    let guess = || limits.login("ann", HERE, Known::No);
    guess().unwrap().failed();
    guess().unwrap().succeeded();
    let waits = limits.login("ann", address(1), Known::No).err().unwrap();
    assert!(waits.wait > Duration::ZERO);
}

/// Else who has no device known yet, and is at home, waits for every botnet.
#[test]
fn a_crowd_of_strangers_takes_nobody_known_in() {
    let limits = limits();
    let account = |number: u32| format!("made-up-{}", number % 100_000);
    for number in 0..150_000 {
        drop(limits.login(&account(number), address(number), Known::No));
    }
    for number in 0..3_000 {
        let known = limits.login(&format!("user-{number}"), address(number), Known::Network);
        assert!(known.is_ok(), "{number}");
    }
}

/// The second factor is not reached by guessing at the first one's limit.
#[test]
fn each_kind_of_secret_has_attempts_of_its_own() {
    let limits = limits();
    let (ann, login) = (UserId::new(), LoginId::new());
    until_refused(|| limits.second_factor(ann, HERE, Known::No));
    assert!(
        limits
            .login(&ann.to_string(), address(5), Known::No)
            .is_ok()
    );
    let (allowed, _) = until_refused(|| limits.confirmation(ann, login));
    assert_eq!(allowed, 2);
    assert!(
        limits.confirmation(ann, LoginId::new()).is_ok(),
        "elsewhere"
    );
}

#[test]
fn a_subscriber_has_one_address_however_many_he_uses() {
    let limits = limits();
    let mut host = 0_u16;
    let (allowed, _) = until_refused(|| {
        host += 1;
        limits.registration(IpAddr::V6(Ipv6Addr::new(
            0x2001, 0xdb8, 0, 1, 0, 0, 0, host,
        )))
    });
    assert_eq!(allowed, 1);
    let neighbour = Ipv6Addr::new(0x2001, 0xdb8, 0, 2, 0, 0, 0, 1);
    assert!(limits.registration(neighbour.into()).is_ok());
    assert!(limits.registration(HERE).is_ok());
    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    assert!(
        limits.registration(mapped.into()).is_err(),
        "the same host as before"
    );
}

#[test]
fn mails_to_verify_an_address_are_limited_by_user_and_by_address() {
    let limits = Limits::new(&LimitsConfig {
        resets_per_hour: 2,
        ..LimitsConfig::default()
    });
    let mut from = 0;
    let ann = UserId::new();
    let (to_one, _) = until_refused(|| {
        from += 1;
        limits.verification(ann, address(from))
    });
    assert_eq!(to_one, 2);
    let (from_one, _) = until_refused(|| limits.verification(UserId::new(), HERE));
    assert_eq!(from_one, 12);
    assert!(limits.reset_from(HERE).is_err(), "both count together");
}

/// A page that refreshes too often does so at its own cost, not its neighbours'.
#[test]
fn refreshes_are_counted_by_login() {
    let limits = Limits::new(&LimitsConfig {
        refreshes_per_minute: 3,
        ..LimitsConfig::default()
    });
    let login = LoginId::new();
    assert_eq!(until_refused(|| limits.refresh(Some(login), HERE)).0, 3);
    assert!(limits.refresh(Some(LoginId::new()), HERE).is_ok());
    assert_eq!(until_refused(|| limits.refresh(None, HERE)).0, 3);
    assert!(limits.refresh(Some(LoginId::new()), HERE).is_ok());
}

#[test]
fn requests_are_counted_by_token_and_by_address() {
    let limits = Limits::new(&LimitsConfig {
        requests_per_second: 1,
        ..LimitsConfig::default()
    });
    let token = Uuid::now_v7();
    assert_eq!(until_refused(|| limits.request(token)).0, 10);
    assert!(limits.request(Uuid::now_v7()).is_ok());
    let visitors = until_refused(|| limits.request_from(HERE, false)).0;
    assert!((40..=41).contains(&visitors), "{visitors}");
    let bearers = until_refused(|| limits.request_from(HERE, true)).0;
    assert!((200..=205).contains(&bearers), "{bearers}");
}

#[test]
fn zero_is_no_limit() {
    let limits = Limits::new(&LimitsConfig::unlimited());
    let ann = UserId::new();
    for _ in 0..2_000 {
        assert_eq!(limits.message(ann, &room("general")), Ok(None));
        assert_eq!(limits.typing(ann, &room("general")), Ok(None));
        assert_eq!(limits.join(ann, &room("general")), Ok(None));
        limits.login("ann", HERE, Known::No).unwrap().failed();
        limits.second_factor(ann, HERE, Known::No).unwrap().failed();
        assert_eq!(limits.registration(HERE), Ok(None));
        assert_eq!(limits.verification(ann, HERE), Ok(None));
        assert_eq!(limits.reset_from(HERE), Ok(None));
        assert_eq!(limits.refresh(None, HERE), Ok(None));
        assert_eq!(limits.oauth(HERE), Ok(None));
        assert_eq!(limits.request(ann.0), Ok(None));
        assert_eq!(limits.request_from(HERE, false), Ok(None));
    }
    assert_eq!(
        until_refused(|| limits.room(ann, 0)).0,
        10,
        "this one is always on"
    );
}

/// Whoever sends from very many addresses, or names very many accounts, fills no table for good: with
/// the limits as they are set by default.
#[test]
fn a_crowd_of_strangers_does_not_make_any_table_grow() {
    fn held<K: Clone + Eq + Hash>(table: Option<&Table<K>>) -> (usize, usize) {
        let table = table.unwrap();
        (table.len(), table.bound())
    }

    let limits = Limits::new(&LimitsConfig::default());
    for number in 0..100_000 {
        let (address, name) = (address(number), format!("nobody-{number}"));
        let _ = limits.request_from(address, false);
        let _ = limits.request_from(address, true);
        let _ = limits.registration(address);
        let _ = limits.setup(address);
        let _ = limits.reset_from(address);
        let _ = limits.refresh(None, address);
        let _ = limits.oauth(address);
        if let Ok(attempt) = limits.login(&name, address, Known::No) {
            attempt.failed();
        }
    }
    let tables = &limits.tables;
    let mut all = vec![
        held(tables.registrations.as_ref()),
        held(tables.setups.as_ref()),
        held(tables.reset_addresses.as_ref()),
        held(tables.unknown_refreshes.as_ref()),
        held(tables.oauth.as_ref()),
    ];
    all.extend(tables.requests.held());
    all.extend(tables.sockets.held());
    all.extend(tables.secrets.as_ref().unwrap().held());
    assert!(all.iter().all(|(held, bound)| held <= bound), "{all:?}");
    assert!(all.iter().any(|(held, _)| *held >= 65_536), "{all:?}");
}
