use std::future::poll_fn;
use std::task::Poll;

use super::*;

const GRACE: Duration = Duration::from_secs(30);

/// What the follower learns without waiting.
async fn ready(follower: &mut Follower<u32>) -> Vec<Step<u32>> {
    let mut steps = Vec::new();
    while let Poll::Ready(step) = poll_now(follower.next()).await {
        steps.push(step);
    }
    steps
}

async fn poll_now<T>(future: impl Future<Output = T>) -> Poll<T> {
    tokio::pin!(future);
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

fn chunk(text: &str) -> Step<u32> {
    Step::Chunk(text.to_owned())
}

#[tokio::test]
async fn who_comes_late_gets_one_piece_and_then_the_rest() {
    let writing = Arc::new(Writing::new());
    let mut early = writing.follow();
    let attempt = writing.begin().unwrap();
    assert_eq!(ready(&mut early).await, [], "an attempt that has not started is not told of");
    attempt.start(7);
    attempt.push("one ");
    assert_eq!(ready(&mut early).await, [Step::Start(7), chunk("one ")]);
    attempt.push("two ");
    let mut late = writing.follow();
    assert_eq!(ready(&mut late).await, [Step::Start(7), chunk("one two ")]);
    attempt.push("thr");
    attempt.push("ee");
    assert_eq!(ready(&mut early).await, [chunk("two three")]);
    assert_eq!(ready(&mut late).await, [chunk("three")]);
    attempt.done();
    assert_eq!(ready(&mut early).await, [Step::Done(7)]);
    assert_eq!(ready(&mut late).await, [Step::Done(7)]);
    assert_eq!(ready(&mut writing.follow()).await, [Step::Start(7), chunk("one two three"), Step::Done(7)]);
}

#[tokio::test]
async fn a_new_attempt_starts_everybody_anew() {
    let writing = Arc::new(Writing::new());
    let mut follower = writing.follow();
    let first = writing.begin().unwrap();
    first.start(1);
    first.push("half of");
    assert!(writing.begin().is_none(), "one at a time");
    let failure = Failure::new("generator_cut", "cut");
    first.failed(failure.clone());
    assert_eq!(ready(&mut follower).await, [Step::Start(1), chunk("half of"), Step::Failed(failure)]);
    let second = writing.begin().unwrap();
    second.start(2);
    second.push("whole");
    second.done();
    assert_eq!(ready(&mut follower).await, [Step::Start(2), chunk("whole"), Step::Done(2)]);
}

#[tokio::test]
async fn the_place_in_line_is_told_as_it_changes() {
    let writing = Arc::new(Writing::new());
    let mut follower = writing.follow();
    let attempt = writing.begin().unwrap();
    attempt.start(1);
    attempt.waits_at(Some(2));
    assert_eq!(ready(&mut follower).await, [Step::Start(1), Step::Waiting(2)]);
    attempt.waits_at(Some(1));
    attempt.waits_at(Some(1));
    assert_eq!(ready(&mut follower).await, [Step::Waiting(1)]);
    attempt.waits_at(None);
    assert_eq!(ready(&mut follower).await, []);
}

#[tokio::test]
async fn an_attempt_that_is_dropped_fails_once_it_has_started() {
    let writing = Arc::new(Writing::<u32>::new());
    let mut follower = writing.follow();
    drop(writing.begin().unwrap());
    assert_eq!(writing.status(), WritingStatus::Nothing);
    assert_eq!(ready(&mut follower).await, []);
    let attempt = writing.begin().unwrap();
    attempt.start(1);
    drop(attempt);
    assert_eq!(ready(&mut follower).await, [Step::Start(1), Step::Failed(Failure::INTERNAL)]);
    let attempt = writing.begin().unwrap();
    attempt.failed(Failure::CANCELLED);
    assert_eq!(ready(&mut follower).await, [Step::Failed(Failure::CANCELLED)], "also before it has started");
}

#[tokio::test]
async fn only_a_running_attempt_is_cancelled() {
    let writing = Arc::new(Writing::<u32>::new());
    assert!(!writing.cancel(Failure::CANCELLED));
    let attempt = writing.begin().unwrap();
    let _follower = writing.follow();
    assert!(poll_now(attempt.stopped(GRACE)).await.is_pending());
    assert!(writing.cancel(Failure::CANCELLED));
    assert!(writing.cancel(Failure::ENTRY_DELETED), "the first reason counts");
    assert_eq!(attempt.stopped(GRACE).await, Failure::CANCELLED);
    attempt.failed(Failure::CANCELLED);
    let next = writing.begin().unwrap();
    assert!(poll_now(next.stopped(GRACE)).await.is_pending(), "that was for the one before");
}

#[tokio::test]
async fn what_is_cancelled_is_not_stored_and_what_is_stored_is_not_cancelled() {
    let writing = Arc::new(Writing::<u32>::new());
    let mut follower = writing.follow();
    let first = writing.begin().unwrap();
    first.start(1);
    assert!(writing.cancel(Failure::CANCELLED));
    assert_eq!(first.store(), Err(Failure::CANCELLED));
    first.failed(Failure::CANCELLED);
    let second = writing.begin().unwrap();
    second.start(2);
    assert_eq!(second.store(), Ok(()));
    assert!(!writing.cancel(Failure::CANCELLED));
    second.done();
    assert_eq!(writing.status(), WritingStatus::Done(2));
    let first = [Step::Start(1), Step::Failed(Failure::CANCELLED)];
    assert_eq!(ready(&mut follower).await, [&first[..], &[Step::Start(2), Step::Done(2)]].concat());
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_for_a_while_when_the_last_follower_has_left() {
    let writing = Arc::new(Writing::<u32>::new());
    let follower = writing.follow();
    let attempt = writing.begin().unwrap();
    let began = Instant::now();
    let watch = async {
        tokio::time::sleep(Duration::from_secs(100)).await;
        drop(follower);
        tokio::time::sleep(Duration::from_secs(29)).await;
        drop(writing.follow());
    };
    let (stopped, ()) = tokio::join!(attempt.stopped(GRACE), watch);
    assert_eq!((stopped, began.elapsed().as_secs()), (Failure::ABANDONED, 100 + 29 + 30));
}

#[tokio::test(start_paused = true)]
async fn a_detached_one_goes_on_alone() {
    let writing = Arc::new(Writing::<u32>::new());
    let attempt = writing.begin().unwrap();
    attempt.detach();
    let waited = tokio::time::timeout(Duration::from_secs(3_600), attempt.stopped(GRACE)).await;
    assert!(waited.is_err());
}

#[tokio::test]
async fn an_attempt_that_begins_at_once_takes_nothing_from_who_still_hears_the_last() {
    let writing = Arc::new(Writing::new());
    let mut follower = writing.follow_on();
    let first = writing.begin().unwrap();
    first.start(1);
    first.push("one ");
    assert_eq!(ready(&mut follower).await, [Step::Start(1), chunk("one ")]);
    first.push("two");
    first.done();
    let second = writing.begin().unwrap();
    second.start(2);
    second.push("three");
    let mut late = writing.follow_on();
    let rest = [chunk("two"), Step::Done(1), Step::Start(2), chunk("three")];
    assert_eq!(ready(&mut follower).await, rest);
    assert_eq!(ready(&mut late).await, [Step::Start(2), chunk("three")], "nothing of one that has ended");
    second.failed(Failure::CANCELLED);
    assert_eq!(ready(&mut follower).await, [Step::Failed(Failure::CANCELLED)]);
    assert_eq!(ready(&mut writing.follow_on()).await, []);
}
