//! What of the matrix is drawn.

use std::time::Instant;

use crate::app::model::{Comparison, Matrix, Model};
use crate::app::ui::matrix::MatrixCursor;
use crate::engine::matrix::MatrixView;

/// What is drawn, and from where it is looked at.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) model: &'a Model,
    pub(super) matrix: &'a Matrix,
    pub(super) view: &'a MatrixView,
    pub(super) cursor: &'a MatrixCursor,
    pub(super) comparison: Option<&'a Comparison>,
    /// Whether the keys go here.
    pub(super) focused: bool,
    pub(super) now: Instant,
}
