//! What the fuzzer gives its bytes to, one function for each target of `fuzz/`: it returns whatever the bytes are, or panics where
//! something does not hold that must. `tests/engine` gives each of them its corpus, as an ordinary test.

mod control;
mod datagram;
mod exchange;
mod pages;
mod sealed;
mod siege;
mod stream;

pub use control::control;
pub use datagram::datagram;
pub use exchange::exchange;
pub use pages::pages;
pub use sealed::sealed;
pub use siege::siege;

/// A target: what it is called, and what it does with the fuzzer's bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, as `fuzz/` and `make fuzz` call them.
pub const TARGETS: [Target; 6] = [
    ("datagram", datagram),
    ("exchange", exchange),
    ("pages", pages),
    ("sealed", sealed),
    ("control", control),
    ("siege", siege),
];
