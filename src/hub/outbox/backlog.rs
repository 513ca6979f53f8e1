//! What waits in all outboxes of one worker thread, kept as it changes, so that nobody has to visit the outboxes
//! to know it.

use std::cell::Cell;

/// Sums over the outboxes that are [counted in](super::Outbox::count_in) it.
#[derive(Debug, Default)]
pub(in crate::hub) struct Backlog {
    waiting: Cell<usize>,
    behind: Cell<usize>,
}

/// What one outbox contributes.
#[derive(Clone, Copy, Default)]
pub(super) struct Share {
    /// Bytes that wait, with the overhead of each frame.
    pub(super) waiting: usize,
    /// Whether its client is behind; see [`Backlog::behind`].
    pub(super) is_behind: bool,
}

impl Backlog {
    /// Bytes that wait for clients, with the overhead of each frame.
    pub(in crate::hub) fn waiting(&self) -> usize {
        self.waiting.get()
    }

    /// How many outboxes hold more than the soft limit, or were pushed more than the hard one: among them are all
    /// slow consumers.
    pub(in crate::hub) fn behind(&self) -> usize {
        self.behind.get()
    }

    pub(super) fn replace(&self, old: Share, new: Share) {
        self.waiting.set((self.waiting.get() + new.waiting).saturating_sub(old.waiting));
        let behind = self.behind.get() + usize::from(new.is_behind);
        self.behind.set(behind.saturating_sub(usize::from(old.is_behind)));
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use bytes::Bytes;
    use futures_util::{FutureExt, StreamExt};
    use proptest::prelude::*;

    use super::super::{Delivery, Outbox, OutboxLimits, OutboxStream};
    use super::*;

    const LIMITS: OutboxLimits = OutboxLimits { soft: 1_000, hard: 2_000 };

    #[derive(Clone, Debug)]
    enum Step {
        Push { length: usize, is_durable: bool },
        Drain,
        Clear,
        Finish,
        Hang,
        Count,
    }

    fn step() -> impl Strategy<Value = (usize, Step)> {
        let step = prop_oneof![
            10 => (1..700_usize, any::<bool>())
                .prop_map(|(length, is_durable)| Step::Push { length, is_durable }),
            3 => Just(Step::Drain),
            1 => Just(Step::Clear),
            1 => Just(Step::Finish),
            1 => Just(Step::Hang),
            1 => Just(Step::Count),
        ];
        (0..3_usize, step)
    }

    struct Client {
        outbox: Option<(Outbox, OutboxStream)>,
        is_counted: bool,
    }

    proptest! {
        #[test]
        fn the_sums_are_those_of_the_outboxes_that_exist(steps in prop::collection::vec(step(), 0..120)) {
            let backlog = Rc::new(Backlog::default());
            let mut clients: Vec<Client> = (0..3)
                .map(|number| Client { outbox: Some(Outbox::new(LIMITS)), is_counted: number == 0 })
                .collect();
            if let Some((outbox, _)) = &clients[0].outbox {
                outbox.count_in(&backlog);
            }
            for (number, step) in steps {
                let client = &mut clients[number];
                if matches!(step, Step::Hang) {
                    client.outbox = None;
                }
                if let Some((outbox, stream)) = &mut client.outbox {
                    match step {
                        Step::Push { length, is_durable } => {
                            let delivery = if is_durable { Delivery::Durable } else { Delivery::Droppable };
                            let _ = outbox.push(Bytes::from(vec![0; length]), delivery);
                        }
                        Step::Drain => drop(stream.next().now_or_never()),
                        Step::Clear => outbox.clear(),
                        Step::Finish => outbox.finish(Bytes::from_static(b"bye")),
                        Step::Count => {
                            outbox.count_in(&backlog);
                            client.is_counted = true;
                        }
                        Step::Hang => {}
                    }
                }
                let counted = clients.iter().filter(|client| client.is_counted);
                let outboxes = counted.filter_map(|client| client.outbox.as_ref());
                let progress: Vec<_> = outboxes.map(|(outbox, _)| outbox.progress()).collect();
                let is_behind = |waiting: usize, overflowed: bool| waiting > LIMITS.soft || overflowed;
                prop_assert_eq!(backlog.waiting(), progress.iter().map(|one| one.waiting).sum::<usize>());
                prop_assert_eq!(
                    backlog.behind(),
                    progress.iter().filter(|one| is_behind(one.waiting, one.overflowed)).count()
                );
            }
        }
    }
}
