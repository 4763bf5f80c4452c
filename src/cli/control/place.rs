//! Which socket belongs to a node: what it says of it, and what its name is made of.

use std::path::PathBuf;

use crate::cli::args::{ControlPlace, NodeArgs};

use super::name;

/// The socket of the nodes of one group and port in this machine's network.
#[derive(Debug)]
pub(in crate::cli) struct Place {
    /// In this directory and no other; none for the usual ones.
    pub(super) directory: Option<PathBuf>,
    /// How it is called there, without an ending.
    pub(super) name: String,
    /// The group of users that may use it, too.
    pub(super) group: Option<String>,
}

impl Place {
    /// None where there shall be none.
    pub(in crate::cli) fn of(node: &NodeArgs) -> Option<Self> {
        let directory = match &node.control {
            Some(ControlPlace::Off) => return None,
            Some(ControlPlace::In(directory)) => Some(directory.clone()),
            None => None,
        };
        let name = name::of(&node.group, node.port, name::network());
        Some(Self { directory, name, group: node.control_group.clone() })
    }
}

/// Why a node has no socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotOpened {
    /// Another node has it; who, as far as that is known.
    Taken(String),
    /// That went wrong, and what to do.
    Failed(String),
}
