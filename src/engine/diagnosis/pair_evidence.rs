//! All that is known of one direction of one pair.

use std::time::Instant;

use crate::engine::observation::Observation;

/// What others see of the node that is to be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a report of its own")]
pub(super) struct WitnessReports {
    /// Somebody says anything of it.
    pub(super) any: bool,
    /// Somebody has dialed it since the trouble began.
    pub(super) looked: bool,
    /// Somebody has done so and reaches it by TCP.
    pub(super) reach: bool,
    /// Somebody does so at the address at which the sender dials it.
    pub(super) reach_here: bool,
    /// Somebody had a sign of life from it later than the sender had.
    pub(super) alive: bool,
    /// The sender reaches one of them by TCP, and has dialed that one since the trouble began.
    pub(super) reached: bool,
}

/// The evidence on one direction of a pair.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a piece of evidence of its own")]
pub(super) struct PairEvidence<'a> {
    /// What the sender sees of the receiver.
    pub(super) mine: &'a Observation,
    /// What the receiver sees of the sender, if that is known, by the same way.
    pub(super) theirs: Option<&'a Observation>,
    /// The receiver said that it hears the sender, by another way, or too long ago to be believed: word of it may be on its way.
    pub(super) doubt: bool,
    /// The receiver said that its dials of the sender fail, if only before it could notice a silence.
    pub(super) reverse_fails: bool,
    /// What others see of the receiver.
    pub(super) witnesses: WitnessReports,
    /// The two say that their networks' masks differ.
    pub(super) masks_differ: bool,
    /// The sender is this node itself.
    pub(super) ours: bool,
    /// The sender is this node, and it knows the receiver from others' rows only.
    pub(super) second_hand: bool,
    /// The sender is this node, and to the receiver it is behind the address of another host, which lets in only answers.
    pub(super) translated: bool,
    /// Why the sender's datagrams do not arrive, by the code of an ICMP message of type 3, as far as one came.
    pub(super) icmp_code: Option<u8>,
    /// That message came from the receiver itself and not from a router.
    pub(super) icmp_from_itself: bool,
    /// Dials of which others tell count from here on: later than the sender's trouble with the receiver began, by as much as told
    /// times may be wrong. What was seen before says nothing of it.
    pub(super) told_since: Option<Instant>,
    /// What both ends say has stood long enough for silence to be noticed.
    pub(super) settled: bool,
    /// Others have been waited for.
    pub(super) waited: bool,
    /// They have been waited for so long that the other end would have told its view by way of them.
    pub(super) waited_long: bool,
}
