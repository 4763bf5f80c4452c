//! Positions of the nodes that are judged, and tables over their pairs.

use std::ops::{Index, IndexMut};

/// The position of a node among those that are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeIdx(u16);

impl NodeIdx {
    /// This node itself: it always comes first.
    pub const SELF: Self = Self(0);

    /// The node at a position. No more than [`MAX_JUDGED`](crate::engine::limits::MAX_JUDGED) nodes are judged, so
    /// every position fits.
    pub fn new(nth: usize) -> Self {
        Self(u16::try_from(nth).unwrap_or(u16::MAX))
    }

    /// Its place in a list of all nodes.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Whether it is this node itself.
    pub fn is_self(self) -> bool {
        self == Self::SELF
    }

    /// All positions among this many nodes.
    pub fn all(count: usize) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone + use<> {
        (0..u16::try_from(count).unwrap_or(u16::MAX)).map(Self)
    }
}

/// One value for each ordered pair of nodes, by sender and receiver.
#[derive(Debug, Clone)]
pub struct Grid<T> {
    size: usize,
    cells: Vec<T>,
}

impl<T: Clone> Grid<T> {
    /// The same value for all pairs of this many nodes.
    pub fn new(size: usize, value: T) -> Self {
        Self { size, cells: vec![value; size * size] }
    }
}

impl<T> Grid<T> {
    /// How many nodes there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The nodes, this one first.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = NodeIdx> + ExactSizeIterator + Clone + use<T> {
        NodeIdx::all(self.size)
    }

    /// What is known of one node as a sender, by receiver.
    pub fn row(&self, from: NodeIdx) -> &[T] {
        &self.cells[from.index() * self.size..][..self.size]
    }

    /// Likewise, to be filled.
    pub fn row_mut(&mut self, from: NodeIdx) -> &mut [T] {
        &mut self.cells[from.index() * self.size..][..self.size]
    }
}

impl<T> Index<(NodeIdx, NodeIdx)> for Grid<T> {
    type Output = T;

    fn index(&self, (from, to): (NodeIdx, NodeIdx)) -> &T {
        &self.cells[from.index() * self.size + to.index()]
    }
}

impl<T> IndexMut<(NodeIdx, NodeIdx)> for Grid<T> {
    fn index_mut(&mut self, (from, to): (NodeIdx, NodeIdx)) -> &mut T {
        &mut self.cells[from.index() * self.size + to.index()]
    }
}
