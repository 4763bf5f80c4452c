//! What stands in a row or column of the matrix: a node, or the nodes of a subnet; and in what order.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use smallvec::{SmallVec, smallvec};

use crate::app::model::{Filter, Mark, Matrix};
use crate::engine::NodeId;
use crate::engine::matrix::{MatrixNode, MatrixView};
use crate::engine::network::Network;

/// What stands in a row or column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockId {
    /// One node.
    Node(NodeId),
    /// All nodes of a subnet.
    Subnet(Network),
}

/// A row or column: one node, or those of a subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Which.
    pub id: BlockId,
    /// Their places in the view; never none.
    pub nodes: SmallVec<[usize; 1]>,
}

impl Block {
    /// The node, if it is one.
    pub fn node(&self) -> Option<usize> {
        match self.id {
            BlockId::Node(_) => self.nodes.first().copied(),
            BlockId::Subnet(_) => None,
        }
    }

    /// As it is called.
    pub fn name<'a>(&'a self, view: &'a MatrixView) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| match self.id {
            BlockId::Node(_) => {
                let mut nodes = self.nodes.iter().filter_map(|node| view.nodes.get(*node));
                nodes.try_for_each(|node: &MatrixNode| f.write_str(&node.name))
            }
            BlockId::Subnet(network) => write!(f, "{network}"),
        })
    }
}

/// What stands alone, and in what order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrangement {
    /// Every node, by name where all are seen, else those in trouble first.
    #[default]
    Worst,
    /// The nodes of a subnet together.
    Subnets,
    /// Every node, this one first, the others by name.
    Names,
}

impl Arrangement {
    /// In words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Worst => "worst first",
            Self::Subnets => "by subnet",
            Self::Names => "by name",
        }
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Worst => Self::Subnets,
            Self::Subnets => Self::Names,
            Self::Names => Self::Worst,
        }
    }
}

/// The blocks of a view as they are to be drawn, and how many nodes the filter folds away.
#[derive(Debug, Clone, Default)]
pub struct Blocks {
    /// In order.
    pub blocks: Vec<Block>,
    /// Which of them have a row.
    pub rows: Range<usize>,
    /// Which of them have a column.
    pub columns: Range<usize>,
    /// What stands alone in them, and in what order.
    pub arrangement: Arrangement,
    /// Nodes that are in none of them.
    pub folded: usize,
}

impl Blocks {
    /// Those of a view, by name.
    pub fn of(view: &MatrixView, arrangement: Arrangement, filter: &Filter) -> Self {
        let passes = |node: &MatrixNode| filter.lets_node_through(node);
        let blocks = match arrangement {
            Arrangement::Subnets => subnets(view, passes),
            Arrangement::Worst | Arrangement::Names => {
                let nodes = view.nodes.iter().enumerate().filter(|(_, node)| passes(node));
                nodes.map(|(at, node)| alone(at, node)).collect()
            }
        };
        let all = 0..blocks.len();
        Self { rows: all.clone(), columns: all, arrangement, folded: left_over(view, &blocks), blocks }
    }

    /// The nodes of one subnet, and in the columns those of another one, or the same; none where the filter lets none of either through.
    pub fn between(view: &MatrixView, [from, to]: [Network; 2], filter: &Filter) -> Option<Self> {
        let networks = networks(view);
        let in_it = |network: Network| {
            let nodes = view.nodes.iter().enumerate().zip(&networks);
            let nodes = nodes.filter(move |(_, of)| **of == network).map(|(node, _)| node);
            nodes.filter(|(_, node)| filter.lets_node_through(node)).map(|(at, node)| alone(at, node))
        };
        let mut blocks: Vec<Block> = in_it(from).collect();
        let rows = 0..blocks.len();
        let columns = if from == to {
            rows.clone()
        } else {
            blocks.extend(in_it(to));
            rows.end..blocks.len()
        };
        let folded = left_over(view, &blocks);
        (!rows.is_empty() && !columns.is_empty()).then_some(Self {
            blocks,
            rows,
            columns,
            arrangement: Arrangement::Worst,
            folded,
        })
    }

    /// Whether every node has a row and a column.
    pub fn are_all(&self) -> bool {
        self.folded == 0 && self.rows == self.columns
    }

    /// Puts those in trouble first: with the most pairs that fail, then with the most that nobody knows of.
    pub fn worst_first(&mut self, matrix: &Matrix) {
        let marks = matrix.marks();
        let mut sort = |range: Range<usize>| {
            self.blocks[range].sort_by_cached_key(|block| {
                let tally = marks.rows(&block.nodes) + marks.columns(&block.nodes);
                (
                    std::cmp::Reverse((tally.count(Mark::Failing), tally.unknown())),
                    block.nodes.first().copied(),
                )
            });
        };
        sort(self.rows.clone());
        if self.columns != self.rows {
            sort(self.columns.clone());
        }
    }
}

/// A node that is a block.
fn alone(at: usize, node: &MatrixNode) -> Block {
    Block { id: BlockId::Node(node.id), nodes: smallvec![at] }
}

/// Nodes that are in no block.
fn left_over(view: &MatrixView, blocks: &[Block]) -> usize {
    view.nodes.len() - blocks.iter().map(|block| block.nodes.len()).sum::<usize>()
}

/// The subnet of each node: where they lie in more than one network, these; else of the usual size of one link.
fn networks(view: &MatrixView) -> Vec<Network> {
    let usual = |node: &MatrixNode| Network::usual(node.addr.ip().to_canonical());
    view.networks().unwrap_or_else(|| view.nodes.iter().map(usual).collect())
}

/// By address; a subnet is there if any of its nodes passes, and then with all of them.
fn subnets(view: &MatrixView, passes: impl Fn(&MatrixNode) -> bool) -> Vec<Block> {
    let mut subnets: BTreeMap<Network, (Block, bool)> = BTreeMap::new();
    for ((at, node), network) in view.nodes.iter().enumerate().zip(networks(view)) {
        let none = || (Block { id: BlockId::Subnet(network), nodes: smallvec![] }, false);
        let (block, shown) = subnets.entry(network).or_insert_with(none);
        block.nodes.push(at);
        *shown |= passes(node);
    }
    subnets.into_values().filter(|(_, shown)| *shown).map(|(block, _)| block).collect()
}
