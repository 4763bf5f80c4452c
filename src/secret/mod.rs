//! The shared secret of a group, and all that is made of it. No file, no clock and no socket.
//!
//! - `text`: what stands in a secret file

pub mod text;
