//! What several test binaries share.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "what the helpers of a test unwrap, they check")]

pub mod lan;
