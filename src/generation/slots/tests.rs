use proptest::prelude::*;

use super::line::WAITING_PER_USER;
use super::*;
use crate::clock::Timestamp;

fn users<const N: usize>() -> [UserId; N] {
    std::array::from_fn(|_| UserId::new(Timestamp::EPOCH))
}

/// Takes a permit that must be there already.
async fn taken(waiting: Waiting) -> Permit {
    assert_eq!(waiting.place(), Place::Called);
    waiting.permit().await
}

#[tokio::test]
async fn callers_are_served_in_their_order_and_told_their_place() {
    let [ana, eve, leo] = users();
    let slots = GenerationSlots::new(1, 8);
    let first = taken(slots.acquire(ana, 1).unwrap()).await;
    let mut second = slots.acquire(eve, 1).unwrap();
    let mut third = slots.acquire(leo, 1).unwrap();
    assert_eq!((second.place(), third.place()), (Place::InLine(1), Place::InLine(2)));
    assert_eq!((slots.running(), slots.waiting()), (1, 2));
    drop(first);
    assert_eq!((second.moved().await, third.moved().await), (Place::Called, Place::InLine(1)));
    let second = taken(second).await;
    drop(second);
    assert_eq!(third.moved().await, Place::Called);
    assert_eq!(third.moved().await, Place::Called, "returns at once");
    drop(taken(third).await);
    assert_eq!((slots.running(), slots.waiting()), (0, 0));
}

#[tokio::test]
async fn who_gives_up_leaves_the_line_whether_waiting_or_called() {
    let [ana, eve, leo] = users();
    let slots = GenerationSlots::new(1, 8);
    let first = slots.acquire(ana, 1).unwrap();
    let second = slots.acquire(eve, 1).unwrap();
    let mut third = slots.acquire(leo, 1).unwrap();
    drop(second);
    assert_eq!(third.moved().await, Place::InLine(1));
    drop(first);
    assert_eq!(third.moved().await, Place::Called);
    let (fourth, mut fifth) = (slots.acquire(ana, 1).unwrap(), slots.acquire(eve, 1).unwrap());
    // A caller that is dropped while it waits for its permit.
    tokio::select! { biased; _ = fourth.permit() => panic!("not its turn"), () = std::future::ready(()) => {} }
    assert_eq!(fifth.moved().await, Place::InLine(1));
}

#[tokio::test]
async fn one_user_with_many_calls_does_not_hold_up_the_others() {
    let [ana, eve] = users();
    let slots = GenerationSlots::new(2, 8);
    let first = taken(slots.acquire(ana, 1).unwrap()).await;
    let second = slots.acquire(ana, 1).unwrap();
    assert_eq!(second.place(), Place::InLine(1), "ana is at her limit while a slot is free");
    let others = taken(slots.acquire(eve, 1).unwrap()).await;
    drop(first);
    let _second = taken(second).await;
    drop(others);
}

#[tokio::test]
async fn a_full_line_is_busy_for_all_and_one_users_share_of_it_for_that_user() {
    let [ana, eve, leo] = users();
    let slots = GenerationSlots::new(1, WAITING_PER_USER + 1);
    let busy = |user| slots.acquire(user, 1).err() == Some(GenerationError::Busy { retry_after: None });
    let _first = slots.acquire(ana, 1).unwrap();
    let in_line: Vec<_> = (0..WAITING_PER_USER).map(|_| slots.acquire(ana, 1).unwrap()).collect();
    assert!(busy(ana), "her share is used up");
    let last = slots.acquire(eve, 1).unwrap();
    assert!(busy(leo), "the line is full");
    drop(last);
    drop(in_line);
    assert!(!busy(leo));
}

#[test]
fn without_a_line_whoever_finds_a_free_slot_runs() {
    let [ana, eve] = users();
    let slots = GenerationSlots::new(1, 0);
    let first = slots.acquire(ana, 1).unwrap();
    assert!(slots.acquire(eve, 1).is_err());
    drop(first);
    assert!(slots.acquire(eve, 1).is_ok());
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Join(usize),
    /// The caller at this index, counted around, leaves.
    Leave(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => (0usize..4).prop_map(Step::Join), 2 => (0usize..64).prop_map(Step::Leave)];
    prop::collection::vec(step, 0..120)
}

proptest! {
    #[test]
    fn whatever_comes_and_goes_the_line_keeps_its_promises(
        steps in steps(), concurrency in 1usize..4, longest in 0usize..8,
    ) {
        let (slots, users) = (GenerationSlots::new(concurrency, longest), users::<4>());
        let mut callers: Vec<(usize, Waiting)> = Vec::new();
        for step in steps {
            match step {
                // User 0 may run one at once, user 1 two, and so on.
                Step::Join(user) => {
                    callers.extend(slots.acquire(users[user], user + 1).ok().map(|caller| (user, caller)));
                }
                Step::Leave(at) if !callers.is_empty() => drop(callers.remove(at % callers.len())),
                Step::Leave(_) => {}
            }
            slots.with_line(|line| line.check_invariants());
            let called = |(_, waiting): &&(usize, Waiting)| waiting.place() == Place::Called;
            for user in 0..users.len() {
                let running = callers.iter().filter(called).filter(|(of, _)| *of == user).count();
                prop_assert!(running <= user + 1, "user {} runs {}", user, running);
                // Of one user's callers, none that waits came before one that was called.
                let own: Vec<_> = callers.iter().filter(|(of, _)| *of == user).collect();
                prop_assert!(own.iter().is_sorted_by_key(|(_, waiting)| waiting.place() != Place::Called));
            }
            prop_assert_eq!(callers.iter().filter(called).count(), slots.running());
            prop_assert_eq!(callers.len(), slots.running() + slots.waiting());
        }
        drop(callers);
        prop_assert_eq!((slots.running(), slots.waiting()), (0, 0));
    }
}
