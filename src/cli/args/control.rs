//! Where a node's control socket is.

use std::path::PathBuf;

/// Where a node can be asked and followed on its machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlPlace {
    /// Nowhere, and no other node is asked.
    Off,
    /// In this directory.
    In(PathBuf),
}
