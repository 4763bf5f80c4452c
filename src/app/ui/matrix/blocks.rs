//! What stands in a row or column of the matrix: a node, or the nodes of a subnet; and in what order.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smallvec::{SmallVec, smallvec};

use crate::app::model::{Filter, Mark, Matrix};
use crate::engine::NodeId;
use crate::engine::matrix::{MatrixNode, MatrixView};

/// Bits of the networks that nodes are folded into: the usual sizes of one link.
const PREFIXES: (u8, u8) = (24, 64);

/// What stands in a row or column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockId {
    /// One node.
    Node(NodeId),
    /// All nodes of a subnet, of its first address and so many bits.
    Subnet(IpAddr, u8),
}

impl BlockId {
    /// The subnet of an address.
    fn subnet(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                Self::Subnet(Ipv4Addr::new(a, b, c, 0).into(), PREFIXES.0)
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.segments();
                Self::Subnet(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into(), PREFIXES.1)
            }
        }
    }

    /// What is found in the addresses of all of its nodes, for a filter.
    pub fn words(self) -> Option<String> {
        match self {
            Self::Node(_) => None,
            Self::Subnet(IpAddr::V4(ip), _) => {
                let [a, b, c, _] = ip.octets();
                Some(format!("{a}.{b}.{c}."))
            }
            Self::Subnet(IpAddr::V6(ip), _) => Some(ip.to_string().trim_end_matches(':').to_owned()),
        }
    }
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
            BlockId::Subnet(..) => None,
        }
    }

    /// As it is called.
    pub fn name<'a>(&'a self, view: &'a MatrixView) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| match self.id {
            BlockId::Node(_) => {
                let mut nodes = self.nodes.iter().filter_map(|node| view.nodes.get(*node));
                nodes.try_for_each(|node: &MatrixNode| f.write_str(&node.name))
            }
            BlockId::Subnet(ip, bits) => write!(f, "{ip}/{bits}"),
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
    /// Nodes that are in none of them.
    pub folded: usize,
}

impl Blocks {
    /// Those of a view, by name.
    pub fn of(view: &MatrixView, arrangement: Arrangement, filter: &Filter) -> Self {
        let passes = |node: &MatrixNode| filter.lets_node_through(node);
        if arrangement == Arrangement::Subnets {
            return Self::subnets(view, passes);
        }
        let nodes = view.nodes.iter().enumerate().filter(|(_, node)| passes(node));
        let one =
            |(at, node): (usize, &MatrixNode)| Block { id: BlockId::Node(node.id), nodes: smallvec![at] };
        let blocks: Vec<_> = nodes.map(one).collect();
        Self { folded: view.nodes.len() - blocks.len(), blocks }
    }

    /// By address; a subnet is there if any of its nodes passes, and then with all of them.
    fn subnets(view: &MatrixView, passes: impl Fn(&MatrixNode) -> bool) -> Self {
        let mut nets: std::collections::BTreeMap<IpAddr, (Block, bool)> = std::collections::BTreeMap::new();
        for (at, node) in view.nodes.iter().enumerate() {
            let id = BlockId::subnet(node.addr.ip());
            let BlockId::Subnet(ip, _) = id else { continue };
            let (block, shown) = nets.entry(ip).or_insert((Block { id, nodes: smallvec![] }, false));
            block.nodes.push(at);
            *shown |= passes(node);
        }
        let (shown, folded): (Vec<_>, Vec<_>) = nets.into_values().partition(|(_, shown)| *shown);
        let folded = folded.iter().map(|(block, _)| block.nodes.len()).sum();
        Self { blocks: shown.into_iter().map(|(block, _)| block).collect(), folded }
    }

    /// Puts those in trouble first: with the most pairs that fail, then with the most that nobody knows of.
    pub fn worst_first(&mut self, matrix: &Matrix) {
        let marks = matrix.marks();
        self.blocks.sort_by_cached_key(|block| {
            let tally = marks.rows(&block.nodes) + marks.columns(&block.nodes);
            (std::cmp::Reverse((tally.count(Mark::Failing), tally.unknown())), block.nodes.first().copied())
        });
    }
}
