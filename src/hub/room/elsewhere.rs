//! A room's users on other nodes, and what they look at.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::MemberElsewhere;
use crate::ids::{ConnectionId, NodeId, UserId};
use crate::protocol::TaskFocus;

/// Connections elsewhere whose focus is remembered; others are forgotten.
const MAX_FOCUSED: usize = 1_000;

/// What is known of a room's members on other nodes.
#[derive(Default)]
pub(super) struct Elsewhere {
    users: BTreeMap<UserId, BTreeSet<NodeId>>,
    focus: BTreeMap<ConnectionId, TaskFocus>,
    /// How often it has changed, so that a list that was read before a change is not taken for newer.
    pub(super) version: u64,
}

impl Elsewhere {
    /// Whether the user is in the room on another node.
    pub(super) fn has(&self, user: UserId) -> bool {
        self.users.contains_key(&user)
    }

    /// The users on other nodes.
    pub(super) fn users(&self) -> impl Iterator<Item = UserId> {
        self.users.keys().copied()
    }

    /// A user came on another node, or left it; returns whether that changed if the user is elsewhere at all.
    pub(super) fn change(&mut self, member: MemberElsewhere, is_present: bool) -> bool {
        self.version += 1;
        let was_there = self.has(member.user);
        if is_present {
            self.users.entry(member.user).or_default().insert(member.node);
        } else if let Some(nodes) = self.users.get_mut(&member.user) {
            nodes.remove(&member.node);
            if nodes.is_empty() {
                self.users.remove(&member.user);
                self.focus.retain(|_, focus| focus.by != member.user);
            }
        }
        was_there != self.has(member.user)
    }

    /// Replaces all users by these; returns who came and who left.
    pub(super) fn replace(&mut self, members: &[MemberElsewhere]) -> (Vec<UserId>, Vec<UserId>) {
        let mut users = BTreeMap::<UserId, BTreeSet<NodeId>>::new();
        for member in members {
            users.entry(member.user).or_default().insert(member.node);
        }
        let came = users.keys().filter(|user| !self.has(**user)).copied().collect();
        let left = self.users.keys().filter(|user| !users.contains_key(user)).copied().collect();
        self.users = users;
        self.version += 1;
        self.focus.retain(|_, focus| self.users.contains_key(&focus.by));
        (came, left)
    }

    /// Remembers what a connection looks at or edits; returns whether that is new.
    pub(super) fn set_focus(&mut self, focus: &TaskFocus) -> bool {
        let known = self.focus.get(&focus.session_id);
        if focus.task_id.is_none() {
            return self.focus.remove(&focus.session_id).is_some();
        }
        if known == Some(focus) || (known.is_none() && self.focus.len() >= MAX_FOCUSED) {
            return false;
        }
        self.focus.insert(focus.session_id, focus.clone());
        true
    }

    /// What connections look at or edit.
    pub(super) fn focused(&self) -> impl Iterator<Item = &TaskFocus> {
        self.focus.values()
    }
}
