//! How the matrix is looked at: what stands in its rows and columns, and the cursor on them.

mod blocks;
mod cursor;

pub use blocks::{Arrangement, Block, BlockId, Blocks};
pub use cursor::{AGO, MatrixCursor};
