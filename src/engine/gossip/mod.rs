//! Rows of the matrix: what each node sees of all others, ours and those that others tell.

pub mod matrix;
mod news_schedule;
pub(crate) mod own_row;
pub(crate) mod page;
pub(crate) mod relay;
pub(crate) mod remote_rows;
pub(crate) mod rivals;
pub(crate) mod signed;
pub(crate) mod sync;
pub(crate) mod told_nodes;
mod unchecked;

#[cfg(test)]
mod bed;
