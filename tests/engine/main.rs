//! The engine alone, on a network in memory and with simulated time: whole lives of many nodes in milliseconds.
#![allow(clippy::unwrap_used, reason = "a test fails where an expectation does not hold")]
#![allow(clippy::unchecked_time_subtraction, reason = "simulated time only goes on")]

mod allocations;
mod amplifier;
mod crowd_load;
mod diagnosis;
mod dial_interval;
mod dialing;
mod discovery;
mod flapping;
mod forgery;
mod hostile;
mod liveness;
mod membership;
mod names;
mod nat;
mod one_host;
mod own_filter;
mod paths;
mod secret;
mod seeds;
mod slow_host;
mod slow_links;
mod speed;
mod standstill;
mod tethers;
mod two_faults;
mod visitors;
