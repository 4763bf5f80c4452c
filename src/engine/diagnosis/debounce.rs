//! How long each kind of finding must stand before it is published, and be gone before it is withdrawn.

use std::time::Duration;

use crate::engine::NodeId;
use crate::engine::limits::{ECHO_TIMEOUT, LOOK_AGAIN};

use super::finding::Finding;
use super::verdict::{Pattern, Verdict};

/// How long a finding must stand before it is published, and be gone before it is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Debounce {
    pub(super) stands: Duration,
    pub(super) gone: Duration,
}

/// The times that follow from what a person set, and what else the tracker must know of this node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    /// This node.
    pub(crate) me: NodeId,
    /// More than one other node is judged.
    pub(crate) several: bool,
    /// How long any finding must stand.
    pub(crate) settle: Duration,
    /// How long a node may need to notice that UDP fails.
    pub(crate) notice: Duration,
    /// How long others are waited for.
    pub(crate) patience: Duration,
    /// The period of the regular dials.
    pub(crate) dial_interval: Duration,
}

/// How long findings of one kind must stand and be gone. The first row that applies counts.
struct Policy {
    applies: fn(&Finding, &Circumstances) -> bool,
    stands: fn(&Circumstances) -> Duration,
    gone: fn(&Circumstances) -> Duration,
}

const POLICIES: [Policy; 7] = [
    // What only others say of one pair may be part of something larger: there must be time to see that.
    Policy { applies: is_second_hand, stands: |c| c.patience + c.dial_interval, gone: |c| c.patience },
    // Loss shows here first and there a moment later.
    Policy {
        applies: |finding, c| {
            c.several
                && finding.pattern == Pattern::Pair
                && matches!(finding.verdict, Verdict::PacketLoss | Verdict::Mtu)
        },
        stands: |c| c.settle.max(c.notice),
        gone: |c| c.settle.max(c.notice).min(c.patience),
    },
    // The host that has them all in common is seen a moment later.
    Policy {
        applies: |finding, c| c.several && finding.pattern == Pattern::Scattered && !finding.is_background(),
        stands: |c| c.settle.max(c.notice),
        gone: |c| c.settle.min(c.patience),
    },
    // Others may be gone with it, and the dials of them end a moment later.
    Policy {
        applies: |finding, c| c.several && finding.verdict == Verdict::HostDown,
        stands: |c| c.settle.max(ECHO_TIMEOUT * 2),
        gone: |c| c.settle.min(c.patience),
    },
    // Where packets begin to be lost, one connection may fail before an echo does; a look tells.
    Policy {
        applies: |finding, c| {
            c.several
                && finding.pattern == Pattern::Pair
                && matches!(finding.verdict, Verdict::OneWayTcp | Verdict::FirewallDrop)
        },
        stands: |c| c.settle + LOOK_AGAIN,
        gone: |c| c.settle.min(c.patience),
    },
    // What a connection means that broke off, the next dial tells.
    Policy {
        applies: |finding, _| finding.verdict == Verdict::Unknown,
        stands: |c| c.patience,
        gone: |c| c.settle,
    },
    Policy { applies: |_, _| true, stands: |c| c.settle, gone: |c| c.settle.min(c.patience) },
];

/// What the table says of a finding.
pub(super) fn usual_debounce(finding: &Finding, c: &Circumstances) -> Debounce {
    let policy = POLICIES.iter().find(|policy| (policy.applies)(finding, c));
    let policy = policy.expect("invariant: the last row applies to every finding");
    Debounce { stands: (policy.stands)(c), gone: (policy.gone)(c) }
}

/// Whether only others have observed it, and of one pair of several.
fn is_second_hand(finding: &Finding, c: &Circumstances) -> bool {
    let observed = finding.pairs.iter().any(|(from, _)| *from == c.me);
    c.several && finding.pattern == Pattern::Pair && !finding.pairs.is_empty() && !observed
}

#[cfg(test)]
pub(in crate::engine::diagnosis) mod tests {
    use super::*;
    use crate::testkit::{ms, peer, t0};

    pub(in crate::engine::diagnosis) const ME: NodeId = NodeId(0);

    pub(in crate::engine::diagnosis) fn circumstances() -> Circumstances {
        Circumstances {
            me: ME,
            several: true,
            settle: ms(1_000),
            notice: ms(7_000),
            patience: ms(14_000),
            dial_interval: ms(10_000),
        }
    }

    /// A finding about one node, with failing pairs.
    pub(in crate::engine::diagnosis) fn finding(
        about: u64,
        verdict: Verdict,
        pairs: &[(u128, u128)],
    ) -> Finding {
        Finding {
            pattern: if pairs.len() == 1 { Pattern::Pair } else { Pattern::Column },
            pairs: pairs.iter().map(|(from, to)| (NodeId(*from), NodeId(*to))).collect(),
            pair_count: pairs.len(),
            ..crate::testkit::finding(&peer(about, "h"), verdict, t0())
        }
    }

    #[test]
    fn how_long_a_finding_must_stand_and_be_gone_depends_on_what_it_says() {
        let alone = Circumstances { several: false, ..circumstances() };
        let scattered = |verdict| Finding {
            pattern: Pattern::Scattered,
            ..finding(1, verdict, &[(0, 1), (2, 3), (0, 3), (4, 1)])
        };
        let table = [
            (finding(1, Verdict::ClosedPort, &[(0, 1)]), circumstances(), (1_000, 1_000)),
            (finding(1, Verdict::OneWayTcp, &[(2, 1)]), circumstances(), (24_000, 14_000)),
            (finding(1, Verdict::OneWayTcp, &[(0, 1)]), circumstances(), (3_000, 1_000)),
            (finding(1, Verdict::FirewallDrop, &[(0, 1)]), circumstances(), (3_000, 1_000)),
            (finding(1, Verdict::FirewallDrop, &[(0, 1), (2, 1)]), circumstances(), (1_000, 1_000)),
            (finding(0, Verdict::FirewallDrop, &[(1, 0)]), alone, (1_000, 1_000)),
            (finding(1, Verdict::PacketLoss, &[(0, 1)]), circumstances(), (7_000, 7_000)),
            (finding(1, Verdict::PacketLoss, &[(0, 1)]), alone, (1_000, 1_000)),
            (finding(1, Verdict::PacketLoss, &[(0, 1), (2, 1)]), circumstances(), (1_000, 1_000)),
            (scattered(Verdict::FirewallDrop), circumstances(), (7_000, 1_000)),
            (scattered(Verdict::PacketLoss), circumstances(), (1_000, 1_000)),
            (finding(1, Verdict::HostDown, &[(0, 1)]), circumstances(), (2_000, 1_000)),
            (finding(1, Verdict::HostDown, &[(0, 1)]), alone, (1_000, 1_000)),
            (finding(1, Verdict::Unknown, &[(0, 1)]), alone, (14_000, 1_000)),
        ];
        for (finding, c, (stands, gone)) in table {
            let expected = Debounce { stands: ms(stands), gone: ms(gone) };
            assert_eq!(usual_debounce(&finding, &c), expected, "{finding:?}");
        }
    }
}
