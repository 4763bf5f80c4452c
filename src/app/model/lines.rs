//! The lines of the table: its peers, and where they are grouped, a heading above each group.

use std::ops::Range;

use super::groups::{Group, GroupId};
use super::rows::PeerRows;
use crate::engine::peers::PeerKey;

/// What stands in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineId {
    /// A group's heading.
    Heading(GroupId),
    /// A peer.
    Peer(PeerKey),
}

impl From<PeerKey> for LineId {
    fn from(key: PeerKey) -> Self {
        Self::Peer(key)
    }
}

/// The lines of the table. Asking for one costs what there are groups, and no more for ten thousand peers.
#[derive(Clone, Copy)]
pub struct Lines<'m>(pub(super) &'m PeerRows);

impl<'m> Lines<'m> {
    /// How many there are.
    pub fn len(self) -> usize {
        match self.groups() {
            Some(groups) => groups.iter().map(|group| self.height(group)).sum(),
            None => self.0.listed(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0.listed() == 0
    }

    /// Those of a stretch.
    pub fn stretch(self, stretch: Range<usize>) -> Vec<LineId> {
        let Some(groups) = self.groups() else {
            return self.0.keys(stretch).iter().copied().map(LineId::Peer).collect();
        };
        let (mut lines, mut line, mut peers) = (Vec::new(), 0, 0);
        for group in groups {
            if line >= stretch.end {
                break;
            }
            let (first, end) = (line, line + self.height(group));
            if stretch.contains(&first) {
                lines.push(LineId::Heading(group.id));
            }
            let of_peers = (first + 1).max(stretch.start)..end.min(stretch.end);
            if !of_peers.is_empty() {
                let at = |line: usize| peers + line - first - 1;
                lines.extend(
                    self.0.keys(at(of_peers.start)..at(of_peers.end)).iter().copied().map(LineId::Peer),
                );
            }
            (line, peers) = (end, peers + group.len());
        }
        lines
    }

    /// The one at a place.
    pub fn at(self, line: usize) -> Option<LineId> {
        self.stretch(line..line.saturating_add(1)).first().copied()
    }

    /// Where one stands; none where it is not listed, or its group is folded.
    pub fn position(self, wanted: LineId) -> Option<usize> {
        let Some(groups) = self.groups() else {
            return match wanted {
                LineId::Heading(_) => None,
                LineId::Peer(key) => self.0.position(key),
            };
        };
        let (mut line, mut peers) = (0, 0);
        let at = match wanted {
            LineId::Heading(_) => None,
            LineId::Peer(key) => Some(self.0.position(key)?),
        };
        for group in groups {
            match (wanted, at) {
                (LineId::Heading(id), _) if id == group.id => return Some(line),
                (_, Some(at)) if at < peers + group.len() => {
                    return (!self.is_folded(group.id)).then_some(line + 1 + at - peers);
                }
                _ => {}
            }
            (line, peers) = (line + self.height(group), peers + group.len());
        }
        None
    }

    /// The group of a listed peer, where they are grouped.
    pub fn group_of(self, key: PeerKey) -> Option<GroupId> {
        self.0.group_of(key)
    }

    /// The first peer of a group.
    pub fn first_of(self, id: GroupId) -> Option<PeerKey> {
        let before = self.groups()?.iter().take_while(|group| group.id != id).map(Group::len).sum();
        self.0.key_at(before)
    }

    /// A group that has listed peers.
    pub fn group(self, id: GroupId) -> Option<&'m Group> {
        self.0.groups()?.get(id)
    }

    /// All groups, in their order; none where the peers are not grouped.
    pub fn groups(self) -> Option<&'m [Group]> {
        Some(self.0.groups()?.all())
    }

    /// Whether only the heading of a group is shown.
    pub fn is_folded(self, id: GroupId) -> bool {
        self.0.groups().is_some_and(|groups| groups.is_folded(id))
    }

    /// Lines of a group.
    fn height(self, group: &Group) -> usize {
        if self.is_folded(group.id) { 1 } else { 1 + group.len() }
    }
}
