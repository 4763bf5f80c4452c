//! Every sentence that people read about what the engine knows, once: in the terminal, in `watch`, in the log and in JSON.
//!
//! And how a text is shown: how wide it is, in which order names stand, and what a terminal may print. It decides nothing and
//! prints nothing.

mod advice;
mod causes;
mod columns;
mod durations;
mod events;
mod evidence;
mod finding;
pub mod firewall;
mod natural_order;
mod nearest;
mod plural;
mod rejects;
mod states;
mod terminal;

pub use columns::{cell, cell_right, columns, fit, wrap};
pub use durations::{Age, Measured, Wait};
pub use events::{
    NO_BROADCAST, RESTARTED, cannot_broadcast, changed, chief_addresses, discovered, gave_up, id_changed,
    interface_gone, interface_up, missed, moved, path,
};
pub use natural_order::{by_name, natural_cmp};
pub use nearest::nearest;
pub use plural::{Count, Label};
pub use states::{Reason, what_is_wrong};
pub use terminal::{LEFT_TO_RIGHT_MARK, ascii, is_printable, is_right_to_left, left_to_right, plain};
