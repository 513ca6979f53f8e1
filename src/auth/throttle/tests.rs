//! What the throttle promises, in memory and in tables. The tables' own engine is that of the integration
//! tests, which also have two nodes.

use futures_util::FutureExt;

use super::*;
use crate::auth::testing::database;
use crate::clock::Timestamp;

const LIMITS: GuessLimits = GuessLimits { account: 2, anywhere: 5, address: 4 };
const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

fn clock() -> Clock {
    Clock::manual(Timestamp::from_seconds(1_700_000_000).unwrap())
}

fn keyed() -> KeyedHash {
    KeyedHash::new(&SigningKey::from_secret(SECRET).unwrap(), "test")
}

fn in_table(db: &Db, clock: &Clock) -> LoginThrottle {
    let table = Table::new(db.clone(), keyed(), clock.clone());
    LoginThrottle { limits: LIMITS, home: Home::Table(Arc::new(table)) }
}

fn in_memory(clock: &Clock) -> LoginThrottle {
    LoginThrottle { limits: LIMITS, home: Home::Memory(Arc::new(Memory::new(clock.clone()))) }
}

async fn in_both(test: impl AsyncFn(LoginThrottle, Clock)) {
    let memory = clock();
    test(in_memory(&memory), memory).await;
    let clock = clock();
    let database = database(&clock);
    test(in_table(&database.db, &clock), clock).await;
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn stranger(text: &str) -> Origin {
    Origin::Stranger(ip(text))
}

async fn begin(throttle: &LoginThrottle, typed: &str, origin: Origin) -> Option<Guess> {
    match throttle.begin(AccountKey::of(typed), origin).await {
        Ok(guess) => Some(guess),
        Err(Throttled::Limited(_)) => None,
        Err(Throttled::Db(error)) => panic!("{error}"),
    }
}

/// Whether a wrong guess was verified.
async fn fail(throttle: &LoginThrottle, typed: &str, origin: Origin) -> bool {
    match begin(throttle, typed, origin).await {
        Some(guess) => {
            guess.wrong().await.unwrap();
            true
        }
        None => false,
    }
}

#[test]
fn what_is_being_judged_holds_its_place_and_refuses_nobody() {
    let throttle = in_memory(&clock());
    let here = stranger("192.0.2.1");
    // The immediate result of beginning: an attempt, a refusal, or none while it would wait.
    let begin = |typed: &str| throttle.begin(AccountKey::of(typed), here).now_or_never();
    let one = begin("ana").unwrap().unwrap();
    let other = begin(" ANA").unwrap().unwrap();
    assert!(begin("ana").is_none(), "it waits");
    assert!(begin("ben").unwrap().is_ok());
    drop(one);
    let third = begin("ana").unwrap().unwrap();
    other.wrong().now_or_never().unwrap().unwrap();
    assert!(begin("ana").is_none());
    third.wrong().now_or_never().unwrap().unwrap();
    assert!(begin("ana").unwrap().is_err(), "it is refused");
    let Home::Memory(memory) = &throttle.home else { panic!("in memory") };
    assert_eq!(memory.in_progress(), 0);
}

#[tokio::test]
async fn who_waits_goes_on_as_soon_as_it_is_decided() {
    in_both(async |throttle, _clock| {
        let here = stranger("192.0.2.1");
        let first = begin(&throttle, "ana", here).await.unwrap();
        let second = begin(&throttle, "ana", here).await.unwrap();
        let waiting = begin(&throttle, "ana", here);
        let verifying = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        let (went_on, ()) = tokio::join!(waiting, verifying);
        assert!(went_on.is_some());
        second.wrong().await.unwrap();
        let waiting = begin(&throttle, "ana", here);
        let (refused, wrong) = tokio::join!(waiting, went_on.unwrap().wrong());
        wrong.unwrap();
        assert!(refused.is_none(), "what was waited for used up the budget");
    })
    .await;
}

#[tokio::test]
async fn strangers_use_up_nothing_of_what_is_known() {
    in_both(async |throttle, clock| {
        let login = LoginId::new(clock.now());
        for network in ["192.0.2.1", "192.0.3.1"] {
            assert!(fail(&throttle, "ana", stranger(network)).await);
            assert!(fail(&throttle, "ana", stranger(network)).await);
            assert!(!fail(&throttle, "ana", stranger(network)).await);
        }
        assert!(fail(&throttle, "ana", stranger("192.0.4.1")).await);
        assert!(!fail(&throttle, "ana", stranger("192.0.5.1")).await, "all strangers together");
        let known = [Origin::KnownAddress(ip("192.0.2.9")), Origin::KnownDevice(login)];
        for origin in known {
            assert!(fail(&throttle, "ana", origin).await && fail(&throttle, "ana", origin).await);
            assert!(!fail(&throttle, "ana", origin).await, "they have their own guesses, and no more");
        }
        clock.advance(PERIOD / 2);
        for origin in known {
            assert!(fail(&throttle, "ana", origin).await);
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_guesses_at_few_accounts_and_registers_few() {
    in_both(async |throttle, _clock| {
        for account in ["a", "b", "c"] {
            assert!(fail(&throttle, account, stranger("2001:db8::1")).await);
        }
        throttle.look(ip("2001:db8::2")).await.unwrap();
        throttle.register(ip("2001:db8::2")).await.unwrap();
        assert!(matches!(throttle.register(ip("2001:db8::3")).await, Err(Throttled::Limited(_))));
        assert!(matches!(throttle.look(ip("2001:db8::4")).await, Err(Throttled::Limited(_))));
        assert!(!fail(&throttle, "d", stranger("2001:db8::5")).await);
        assert!(fail(&throttle, "d", stranger("2001:db8:0:1::5")).await);
    })
    .await;
}

#[tokio::test]
async fn two_nodes_share_failures_and_places() {
    let clock = clock();
    let database = database(&clock);
    let (one, other) = (in_table(&database.db, &clock), in_table(&database.db, &clock));
    let here = stranger("192.0.2.1");
    assert!(fail(&one, "ana", here).await);
    let verified = begin(&other, "ana", here).await.unwrap();
    // Nobody notifies this node: it looks again.
    let (went_on, ()) = tokio::join!(begin(&one, "ana", here), async { drop(verified) });
    went_on.unwrap().wrong().await.unwrap();
    assert!(!fail(&other, "ana", here).await);
}

#[tokio::test]
async fn a_node_that_dies_holds_its_places_for_a_moment_and_rows_go_when_they_mean_nothing() {
    let clock = clock();
    let database = database(&clock);
    let (dead, alive) = (in_table(&database.db, &clock), in_table(&database.db, &clock));
    let here = stranger("192.0.2.1");
    for _ in 0..2 {
        std::mem::forget(begin(&dead, "ana", here).await.unwrap());
    }
    let waiting = begin(&alive, "ana", here);
    let time = async {
        assert_eq!(alive.delete_expired(100).await.unwrap(), 0);
        clock.advance(std::time::Duration::from_secs(30));
    };
    let (went_on, ()) = tokio::join!(waiting, time);
    went_on.unwrap().wrong().await.unwrap();
    assert_eq!(alive.delete_expired(100).await.unwrap(), 6, "three rows of each lost attempt");
    clock.advance(PERIOD);
    assert_eq!(alive.delete_expired(2).await.unwrap(), 2);
    assert_eq!(alive.delete_expired(2).await.unwrap(), 1);
    assert_eq!(alive.delete_expired(2).await.unwrap(), 0);
}

#[tokio::test]
async fn a_caller_who_goes_away_holds_no_place() {
    let clock = clock();
    let database = database(&clock);
    let throttle = in_table(&database.db, &clock);
    let here = stranger("192.0.2.1");
    for _ in 0..20 {
        // Polled once: the attempt is on its way to the database when it is dropped.
        assert!(begin(&throttle, "ana", here).now_or_never().is_none());
    }
    for _ in 0..2 {
        begin(&throttle, "ana", here).await.unwrap().wrong().await.unwrap();
    }
}

#[test]
fn keys_are_told_apart() {
    use budget::Key;
    use std::collections::BTreeSet;
    let (ana, ben) = (AccountKey::of("ana"), AccountKey::of("ben"));
    let (here, there) = (ip("192.0.2.1"), ip("192.0.2.10"));
    let mut keys = vec![Key::Device(LoginId::new(clock().now())), Key::Device(LoginId::new(clock().now()))];
    keys.extend([Key::Address(here), Key::Address(there), Key::Account(ana), Key::Account(ben)]);
    for address in [here, there] {
        keys.extend([Key::KnownAddress(ana, address), Key::KnownAddress(ben, address)]);
        keys.extend([Key::Subnet(ana, address), Key::Subnet(ben, address)]);
    }
    let bytes: BTreeSet<_> = keys.iter().map(Key::bytes).collect();
    assert_eq!(bytes.len(), keys.len());
}
