//! From the evidence on one direction of a pair to a verdict, by a table of rules.

use std::time::Instant;

use crate::engine::cause::Cause;
use crate::engine::observation::{LOSSY, PathStatus};

use super::pair_evidence::PairEvidence;
use super::verdict::Verdict;

/// A row of the table: the verdict of the first rule that holds counts.
struct Rule {
    verdict: Verdict,
    holds: fn(&PairEvidence) -> bool,
}

const fn rule(verdict: Verdict, holds: fn(&PairEvidence) -> bool) -> Rule {
    Rule { verdict, holds }
}

/// From the most certain to the least: what the system itself says, what both ends say, what is missing.
const RULES: [Rule; 28] = [
    rule(Verdict::LocalProblem, |c| c.fails_by(&OWN_FAULT)),
    rule(Verdict::WrongGroup, |c| c.fails_by(&[Cause::WrongGroup])),
    rule(Verdict::WrongSecret, |c| c.fails_by(&[Cause::WrongSecret])),
    rule(Verdict::VersionMismatch, |c| c.fails_by(&[Cause::VersionMismatch])),
    rule(Verdict::WrongSubnet, |c| c.masks_differ),
    rule(Verdict::NoRoute, |c| c.fails_by(&[Cause::NoRoute])),
    rule(Verdict::PacketLoss, |c| c.mine.loss.is_some_and(|loss| loss >= LOSSY)),
    // The other end says that it cannot send: then nothing of it arrives, either.
    rule(Verdict::LocalProblem, |c| !c.mine.is_fine() && c.theirs_fails_by(&OWN_FAULT)),
    rule(Verdict::NoRoute, |c| !c.mine.is_fine() && c.theirs_fails_by(&[Cause::NoRoute])),
    // TCP is answered, with a refusal.
    rule(Verdict::FirewallReject, |c| {
        c.fails_by(&[Cause::Refused]) && (c.program_lives() || c.witnesses.reach)
    }),
    rule(Verdict::ClosedPort, |c| c.fails_by(&[Cause::Refused])),
    rule(Verdict::FirewallReject, |c| c.fails_by(&UNREACHABLE) && c.lives()),
    rule(Verdict::FirewallReject, |c| c.gone() && c.icmp_confirms(Verdict::FirewallReject)),
    // TCP is accepted.
    rule(Verdict::PacketLoss, |c| c.fails_by(&[Cause::NoReply]) && c.mine.large.is_failing()),
    rule(Verdict::HungPeer, |c| c.fails_by(&[Cause::NoReply])),
    // TCP vanishes.
    rule(Verdict::OneWayTcp, |c| {
        c.tcp_alone_vanishes() && c.reaches_me() && c.witnesses.reach && c.witnesses.reached
    }),
    rule(Verdict::FirewallDrop, |c| c.tcp_alone_vanishes() && c.witnesses_looked() && c.reverse_is_known()),
    rule(Verdict::OneWayUdp, |c| {
        c.gone() && c.mine.echo.is_failing() && c.theirs_is_known() && (c.heard() || c.hears_me())
    }),
    rule(Verdict::NoRoute, |c| c.gone() && c.unheard() && c.icmp_confirms(Verdict::NoRoute)),
    rule(Verdict::Isolated, |c| c.gone() && c.silent() && c.witnesses_see_life() && c.is_not_heard()),
    rule(Verdict::HostDown, |c| c.gone() && c.silent() && c.no_witness_knows_better()),
    rule(Verdict::HostDown, |c| {
        c.gone() && c.unheard() && c.icmp_confirms(Verdict::HostDown) && c.no_witness_knows_better()
    }),
    rule(Verdict::NoRoute, |c| c.fails_by(&[Cause::NetworkUnreachable]) && c.never_heard_by_udp()),
    rule(Verdict::HostDown, |c| c.gone() && c.never_heard_by_udp() && c.no_witness_knows_better()),
    // TCP passes.
    rule(Verdict::OneWayUdp, |c| {
        c.passes() && c.mine.echo.is_failing() && c.theirs_is_known() && (c.heard() || c.hears_me())
    }),
    rule(Verdict::UdpBlocked, |c| c.passes() && c.silent_by_udp() && c.is_not_heard()),
    rule(Verdict::BroadcastBlocked, |c| c.passes() && c.mine.echo.is_ok() && c.mine.broadcast.is_failing()),
    rule(Verdict::PacketLoss, |c| c.passes() && c.mine.large.is_failing()),
];

/// The sender's own fault, as its system says.
pub(super) const OWN_FAULT: [Cause; 4] =
    [Cause::PermissionDenied, Cause::LocalResources, Cause::InterfaceDown, Cause::AddressNotAvailable];

const UNREACHABLE: [Cause; 2] = [Cause::HostUnreachable, Cause::NetworkUnreachable];

/// ICMP codes of type 3 (RFC 1812 §5.2.7.1).
const NET_UNREACHABLE: u8 = 0;
const HOST_UNREACHABLE: u8 = 1;
const PORT_UNREACHABLE: u8 = 3;
const SOURCE_ROUTE_FAILED: u8 = 5;
const NET_UNKNOWN: u8 = 6;
/// The network, the host, or what is sent to it is prohibited by somebody's rule.
const PROHIBITED: [u8; 3] = [9, 10, 13];

/// Whether an ICMP message of type 3 says the same as a verdict.
pub(super) fn icmp_confirms(verdict: Verdict, code: u8, from_itself: bool) -> bool {
    match verdict {
        Verdict::ClosedPort => code == PORT_UNREACHABLE && from_itself,
        Verdict::FirewallReject => PROHIBITED.contains(&code),
        Verdict::HostDown => code == HOST_UNREACHABLE && !from_itself,
        Verdict::NoRoute => {
            [NET_UNREACHABLE, SOURCE_ROUTE_FAILED, NET_UNKNOWN].contains(&code) && !from_itself
        }
        _ => false,
    }
}

/// Whether a verdict rests on something that is no longer heard: of other pairs we learn that way by way.
fn needs_silence(verdict: Verdict) -> bool {
    use Verdict::{BroadcastBlocked, HostDown, Isolated, OneWayUdp, UdpBlocked};
    matches!(verdict, BroadcastBlocked | HostDown | Isolated | OneWayUdp | UdpBlocked)
}

/// The verdict on one direction of a pair; none as long as the evidence is not settled.
pub(super) fn verdict(evidence: &PairEvidence) -> Option<Verdict> {
    if let Some(rule) = RULES.iter().find(|rule| (rule.holds)(evidence)) {
        return Some(rule.verdict).filter(|verdict| evidence.settled || !needs_silence(*verdict));
    }
    let strange = evidence.fails_by(&[Cause::Reset, Cause::ClosedEarly, Cause::BadReply, Cause::Other]);
    if strange {
        return Some(Verdict::Unknown);
    }
    let unsettled = [evidence.mine.echo, evidence.mine.broadcast].contains(&PathStatus::Failing);
    (evidence.passes() && !unsettled).then_some(Verdict::Ok)
}

impl PairEvidence {
    fn fails_by(&self, causes: &[Cause]) -> bool {
        self.mine.tcp.is_failing() && self.mine.cause.is_some_and(|cause| causes.contains(&cause))
    }

    fn theirs_fails_by(&self, causes: &[Cause]) -> bool {
        self.theirs.is_some_and(|theirs| {
            theirs.tcp.is_failing() && theirs.cause.is_some_and(|cause| causes.contains(&cause))
        })
    }

    /// The other end has told its view, or was waited for.
    fn theirs_is_known(&self) -> bool {
        self.theirs.is_some() || self.waited_long
    }

    fn passes(&self) -> bool {
        self.mine.tcp.is_ok()
    }

    /// No answer at all came to the dial.
    fn vanishes(&self) -> bool {
        self.fails_by(&[Cause::TimedOut])
    }

    /// Or the answer that nobody is there.
    fn gone(&self) -> bool {
        self.vanishes() || self.fails_by(&UNREACHABLE)
    }

    fn icmp_confirms(&self, verdict: Verdict) -> bool {
        self.icmp_code.is_some_and(|code| icmp_confirms(verdict, code, self.icmp_from_itself))
    }

    /// Nothing speaks for it that anything passes between the two.
    fn unheard(&self) -> bool {
        !self.program_lives() && !self.hears_me() && !self.reaches_me()
    }

    /// The sender hears datagrams of the receiver.
    fn heard(&self) -> bool {
        self.mine.broadcast.is_ok() || self.mine.unicast.is_ok()
    }

    /// The receiver hears datagrams of the sender, as it says.
    fn hears_me(&self) -> bool {
        self.theirs.is_some_and(|theirs| theirs.broadcast.is_ok() || theirs.unicast.is_ok())
    }

    /// What the receiver says of its dials of the sender, if it has dialed since the trouble began.
    fn their_tcp(&self) -> PathStatus {
        let lately = |at: Option<Instant>| self.since.is_none_or(|since| at.is_some_and(|at| at >= since));
        self.theirs.filter(|theirs| lately(theirs.checked)).map_or(PathStatus::Unknown, |theirs| theirs.tcp)
    }

    /// The receiver's dials of the sender get their reply.
    fn reaches_me(&self) -> bool {
        self.mine.served.is_ok() || self.their_tcp().is_ok()
    }

    /// Whether it is known how TCP fares in the other direction.
    fn reverse_is_known(&self) -> bool {
        self.reaches_me() || self.their_tcp().is_failing() || self.waited
    }

    /// TCP vanishes, while UDP or the receiver's own dials pass.
    fn tcp_alone_vanishes(&self) -> bool {
        self.vanishes() && (self.mine.echo.is_ok() || self.reaches_me())
    }

    /// The program there runs: it has answered or sent since the trouble began.
    fn program_lives(&self) -> bool {
        self.mine.echo.is_ok() || self.mine.unicast.is_ok() || self.mine.broadcast.is_ok()
    }

    fn lives(&self) -> bool {
        self.program_lives() || self.hears_me() || self.witnesses_see_life()
    }

    fn never_heard_by_udp(&self) -> bool {
        [self.mine.echo, self.mine.unicast, self.mine.broadcast] == [PathStatus::Unknown; 3]
    }

    /// No datagram came in for long, and none is answered.
    fn silent_by_udp(&self) -> bool {
        let silent = |way: PathStatus| !way.is_ok();
        self.mine.echo.is_failing()
            && self.mine.unicast.is_failing()
            && silent(self.mine.broadcast)
            && !self.hears_me()
    }

    /// The receiver says that it hears nothing of the sender, or says nothing at all for long.
    fn is_not_heard(&self) -> bool {
        self.theirs.map_or(self.waited && !self.doubt, |theirs| theirs.unicast.is_failing())
    }

    /// Nothing at all came in for long.
    fn silent(&self) -> bool {
        self.silent_by_udp() && !self.reaches_me()
    }

    /// Others have looked as well, or there are none, or they were waited for.
    fn no_witness_knows_better(&self) -> bool {
        !self.witnesses_see_life() && self.witnesses_looked()
    }

    fn witnesses_see_life(&self) -> bool {
        self.witnesses.alive || self.witnesses.reach
    }

    fn witnesses_looked(&self) -> bool {
        !self.ours || !self.witnesses.any || self.witnesses.looked || self.waited
    }
}

#[cfg(test)]
mod tests {
    use PathStatus::{Failing as No, Ok as Yes, Unknown as Open};

    use super::*;
    use crate::engine::diagnosis::pair_evidence::WitnessReports;
    use crate::engine::observation::Observation;

    /// What a sender sees: TCP, echo, broadcast, unicast, served, with the cause.
    fn sees(ways: [PathStatus; 5], cause: Option<Cause>) -> Observation {
        let [tcp, echo, broadcast, unicast, served] = ways;
        Observation { tcp, echo, broadcast, unicast, served, cause, ..Observation::default() }
    }

    fn evidence(mine: Observation) -> PairEvidence {
        PairEvidence {
            mine,
            theirs: None,
            doubt: false,
            witnesses: WitnessReports::default(),
            masks_differ: false,
            ours: true,
            icmp_code: None,
            icmp_from_itself: false,
            since: None,
            settled: true,
            waited: true,
            waited_long: true,
        }
    }

    #[test]
    fn every_fault_of_a_pair_has_its_verdict() {
        let reports = |reach| WitnessReports { any: true, looked: true, reach, alive: true, reached: true };
        let (none, reached, alive) = (WitnessReports::default(), reports(true), reports(false));
        let dropped = Some(Cause::TimedOut);
        let table: [([PathStatus; 5], Option<Cause>, WitnessReports, Verdict); 20] = [
            ([Yes, Yes, Yes, Yes, Yes], None, none, Verdict::Ok),
            ([Yes, Yes, Open, Yes, Yes], None, none, Verdict::Ok),
            ([No, No, Open, Open, No], Some(Cause::Refused), none, Verdict::ClosedPort),
            ([No, Yes, Yes, Yes, Yes], Some(Cause::Refused), none, Verdict::FirewallReject),
            ([No, Open, Open, Open, Open], Some(Cause::Refused), reached, Verdict::FirewallReject),
            ([No, Yes, Yes, Yes, Yes], Some(Cause::HostUnreachable), none, Verdict::FirewallReject),
            ([No, Yes, Yes, Yes, Yes], Some(Cause::NetworkUnreachable), none, Verdict::FirewallReject),
            ([No, Yes, Yes, Yes, No], dropped, none, Verdict::FirewallDrop),
            ([No, Yes, Yes, Yes, Yes], dropped, none, Verdict::FirewallDrop),
            ([No, Yes, Yes, Yes, Yes], dropped, reached, Verdict::OneWayTcp),
            ([No, No, Yes, Yes, No], dropped, none, Verdict::OneWayUdp),
            ([No, No, No, No, No], dropped, none, Verdict::HostDown),
            ([No, No, No, No, No], Some(Cause::HostUnreachable), none, Verdict::HostDown),
            ([No, No, No, No, No], dropped, alive, Verdict::Isolated),
            ([No, No, No, No, Open], Some(Cause::NoReply), none, Verdict::HungPeer),
            ([No, Yes, Yes, Yes, Yes], Some(Cause::InterfaceDown), none, Verdict::LocalProblem),
            ([Yes, No, No, No, Yes], None, none, Verdict::UdpBlocked),
            ([Yes, No, Yes, Yes, Yes], None, none, Verdict::OneWayUdp),
            ([Yes, Yes, No, Yes, Yes], None, none, Verdict::BroadcastBlocked),
            ([No, Open, Open, Open, Open], Some(Cause::NoRoute), none, Verdict::NoRoute),
        ];
        for (ways, cause, witnesses, expected) in table {
            let evidence = PairEvidence { witnesses, ..evidence(sees(ways, cause)) };
            assert_eq!(verdict(&evidence), Some(expected), "{ways:?} {cause:?} {witnesses:?}");
        }
    }

    #[test]
    fn icmp_tells_more_than_silence() {
        let dropped = sees([No, No, Open, Open, Open], Some(Cause::TimedOut));
        let absent = sees([No, No, Open, Open, Open], Some(Cause::HostUnreachable));
        let told = |mine, icmp_code, icmp_from_itself| {
            verdict(&PairEvidence { icmp_code, icmp_from_itself, ..evidence(mine) })
        };
        for mine in [dropped, absent] {
            assert_eq!(told(mine, None, false), None, "silence has not lasted long enough");
            for prohibited in [9, 10, 13] {
                for itself in [true, false] {
                    assert_eq!(told(mine, Some(prohibited), itself), Some(Verdict::FirewallReject));
                }
            }
            for no_route in [0, 5, 6] {
                assert_eq!(told(mine, Some(no_route), false), Some(Verdict::NoRoute));
                assert_eq!(told(mine, Some(no_route), true), None, "a host does not say that of itself");
            }
            assert_eq!(told(mine, Some(1), false), Some(Verdict::HostDown));
            assert_eq!(told(mine, Some(1), true), None);
            assert_eq!(told(mine, Some(3), true), None);
        }
    }

    #[test]
    fn icmp_accuses_nobody_who_is_well_or_seen_by_others() {
        let well = sees([Yes; 5], None);
        let dropped = sees([No, No, Open, Open, Open], Some(Cause::TimedOut));
        let witnesses = WitnessReports { any: true, looked: true, reach: true, ..WitnessReports::default() };
        for icmp_code in (0..16).map(Some) {
            for icmp_from_itself in [true, false] {
                let evidence = PairEvidence { icmp_code, icmp_from_itself, ..evidence(well) };
                assert_eq!(verdict(&evidence), Some(Verdict::Ok));
            }
        }
        let seen = PairEvidence { icmp_code: Some(1), witnesses, ..evidence(dropped) };
        assert_ne!(verdict(&seen), Some(Verdict::HostDown));
    }

    #[test]
    fn the_other_end_tells_that_the_datagrams_arrive_there() {
        let deaf = sees([Yes, No, No, No, Yes], None);
        let hears = Some(sees([Yes, No, Yes, Yes, Yes], None));
        assert_eq!(verdict(&PairEvidence { theirs: hears, ..evidence(deaf) }), Some(Verdict::OneWayUdp));
    }

    #[test]
    fn as_long_as_the_evidence_is_not_settled_there_is_no_verdict() {
        let dropped = Some(Cause::TimedOut);
        for ways in
            [[No, Open, Yes, Open, Open], [No, No, Open, Open, Open], [Yes, No, Open, Open, Yes], [Open; 5]]
        {
            let cause = if ways[0] == No { dropped } else { None };
            let verdict = verdict(&evidence(sees(ways, cause)));
            assert_ne!(verdict, Some(Verdict::Ok), "{ways:?}");
            if ways[1] != No {
                assert_eq!(verdict, None, "{ways:?}");
            }
        }
        let witnesses = WitnessReports { any: true, ..WitnessReports::default() };
        let down = PairEvidence { witnesses, waited: false, ..evidence(sees([No; 5], dropped)) };
        assert_eq!(verdict(&down), None, "others have not looked yet");
        assert_eq!(verdict(&PairEvidence { waited: true, ..down }), Some(Verdict::HostDown));
    }

    #[test]
    fn loss_comes_before_what_it_causes() {
        let lossy = Observation { loss: Some(20), ..sees([No, Yes, Yes, Yes, Yes], Some(Cause::TimedOut)) };
        assert_eq!(verdict(&evidence(lossy)), Some(Verdict::PacketLoss));
        let little = Observation { loss: Some(5), ..sees([Yes; 5], None) };
        assert_eq!(verdict(&evidence(little)), Some(Verdict::Ok));
        let large = Observation { large: No, ..sees([Yes; 5], None) };
        assert_eq!(verdict(&evidence(large)), Some(Verdict::PacketLoss));
    }
}
