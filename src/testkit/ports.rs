//! Ports for real sockets.

use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ephemeral range, in which dialers get theirs.
const FIRST: u32 = 18_000;
/// So many ports are tried.
const COUNT: u32 = 14_000;

/// A port below the ephemeral range that nobody uses on any address, by UDP or TCP. Another one at each call,
/// and other ones in processes that run at the same time, so that tests do not hear each other.
///
/// The kernel's tables are read instead of binding the port for a try: a program that another thread is just
/// starting would inherit that socket and hold the port for a moment.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let used: String = ["tcp", "tcp6", "udp", "udp6"]
        .iter()
        .map(|table| std::fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default())
        .collect();
    (0..COUNT)
        .find_map(|_| {
            let nth = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id().wrapping_mul(37) % COUNT;
            let port = u16::try_from(FIRST + nth % COUNT).ok()?;
            (!used.contains(&format!(":{port:04X} "))).then_some(port)
        })
        .expect("some port of 14 000 is free")
}
