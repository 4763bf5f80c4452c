//! Unicast echoes: whether UDP passes there and back, how much is lost, whether large datagrams pass.
//!
//! Sends nothing that proves an address and judges nothing: it only measures.

mod given_up;
pub(crate) mod prober;
pub(crate) mod stats;
mod window;
