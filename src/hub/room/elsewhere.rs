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
    /// What connections look at or edit, and where they are.
    focus: BTreeMap<ConnectionId, (NodeId, TaskFocus)>,
    /// What those looked at that have left.
    lost_focus: Vec<TaskFocus>,
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
            }
            self.lose_focus(|node, user| (node, user) == (member.node, member.user));
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
        let before = std::mem::replace(&mut self.users, users.clone());
        self.version += 1;
        // Not of those who are not known yet: a focus may be heard before its user.
        let has = |users: &BTreeMap<UserId, BTreeSet<NodeId>>, node, user| {
            users.get(&user).is_some_and(|nodes| nodes.contains(&node))
        };
        self.lose_focus(|node, user| has(&before, node, user) && !has(&users, node, user));
        (came, left)
    }

    fn lose_focus(&mut self, is_lost: impl Fn(NodeId, UserId) -> bool) {
        let lost = self.focus.extract_if(.., |_, (node, focus)| is_lost(*node, focus.by));
        self.lost_focus.extend(lost.map(|(_, (_, focus))| focus));
    }

    /// What connections looked at that have left since the last call.
    pub(super) fn take_lost_focus(&mut self) -> Vec<TaskFocus> {
        std::mem::take(&mut self.lost_focus)
    }

    /// Remembers what a connection of that node looks at or edits; returns whether that is new.
    pub(super) fn set_focus(&mut self, node: NodeId, focus: &TaskFocus) -> bool {
        let known = self.focus.get(&focus.session_id).map(|(_, focus)| focus);
        if focus.task_id.is_none() {
            return self.focus.remove(&focus.session_id).is_some();
        }
        if known == Some(focus) || (known.is_none() && self.focus.len() >= MAX_FOCUSED) {
            return false;
        }
        self.focus.insert(focus.session_id, (node, focus.clone()));
        true
    }

    /// What connections look at or edit.
    pub(super) fn focused(&self) -> impl Iterator<Item = &TaskFocus> {
        self.focus.values().map(|(_, focus)| focus)
    }
}
