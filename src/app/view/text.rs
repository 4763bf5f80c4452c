//! Text as the screen needs it.

pub use crate::text::{Age, cell, columns, fit, wrap};
