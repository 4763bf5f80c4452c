//! What several test binaries share.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "what the helpers of a test unwrap, they check")]
#![allow(clippy::unchecked_time_subtraction, reason = "simulated time only goes on")]

pub mod lan;
