//! Any lines to the control socket.

/// Lets a node's door read them.
pub fn control(bytes: &[u8]) {
    crate::cli::fuzz_control(bytes, crate::testkit::t0());
}
