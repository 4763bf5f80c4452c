//! From the evidence on one direction of a pair to a verdict, by a table of rules.

use std::time::Instant;

use crate::engine::cause::Cause;
use crate::engine::observation::{LOSSY, PathStatus};

use super::pair_evidence::PairEvidence;
use super::verdict::Verdict;

/// A row of the table: the verdict of the first rule that holds counts.
struct Rule {
    verdict: Verdict,
    /// How the sender's last dial of the receiver must have ended.
    dial: Dials,
    /// What else must hold.
    holds: fn(&PairEvidence<'_>) -> bool,
}

const fn rule(dial: Dials, verdict: Verdict, holds: fn(&PairEvidence<'_>) -> bool) -> Rule {
    Rule { verdict, dial, holds }
}

/// Ways in which a dial can end, as a set: most rules are passed over by one look at it.
#[derive(Debug, Clone, Copy)]
struct Dials(u32);

impl Dials {
    /// All of them, and that nothing is known of a dial.
    const ANY: Self = Self(u32::MAX);
    const UNKNOWN: Self = Self(1);
    const ANSWERED: Self = Self(1 << 1);
    /// It failed, and it is not known why.
    const FAILED: Self = Self(1 << 2);

    /// It failed for one of these causes.
    const fn failed(causes: &[Cause]) -> Self {
        let (mut set, mut nth) = (0, 0);
        while nth < causes.len() {
            set |= 1 << (3 + causes[nth] as u32);
            nth += 1;
        }
        Self(set)
    }

    /// How the dial ended that this tells of.
    const fn of(tcp: PathStatus, cause: Option<Cause>) -> Self {
        match (tcp, cause) {
            (PathStatus::Unknown, _) => Self::UNKNOWN,
            (PathStatus::Ok, _) => Self::ANSWERED,
            (PathStatus::Failing, Some(cause)) => Self::failed(&[cause]),
            (PathStatus::Failing, None) => Self::FAILED,
        }
    }

    const fn has_any_of(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The sender's own fault, as its system says.
pub(super) const OWN_FAULT: [Cause; 4] =
    [Cause::PermissionDenied, Cause::LocalResources, Cause::InterfaceDown, Cause::AddressNotAvailable];

const REFUSED: Dials = Dials::failed(&[Cause::Refused]);
const SILENT_PORT: Dials = Dials::failed(&[Cause::NoReply]);
/// No answer at all came to the dial.
const VANISHED: Dials = Dials::failed(&[Cause::TimedOut]);
const UNREACHABLE: Dials = Dials::failed(&[Cause::HostUnreachable, Cause::NetworkUnreachable]);
/// No answer came, or the one that nobody is there.
const GONE: Dials = Dials(VANISHED.0 | UNREACHABLE.0);
/// Nothing speaks against it that packets are lost: no answer came that tells another cause.
const UNANSWERED: Dials = Dials(GONE.0 | Dials::UNKNOWN.0 | Dials::ANSWERED.0 | Dials::FAILED.0);
/// Something answered, and it makes no sense.
const STRANGE: Dials = Dials::failed(&[Cause::Reset, Cause::ClosedEarly, Cause::BadReply, Cause::Other]);

/// Lost echoes, in percent, from which on dials that get no answer may get none for that: of three attempts of three SYNs each, all are
/// lost once in 25. Of 32 echoes where 20 % are lost on each way, so many are not lost by chance.
const HEAVY: u8 = 70;

/// The same where all else works between the two and others reach the receiver: of many pairs, one loses several attempts by chance now and
/// then. Where 30 % are lost on each way, that is half of the echoes.
const HEAVY_FOR_A_PAIR: u8 = 50;

/// From the most certain to the least: what the system itself says, what both ends say, what is missing.
#[expect(clippy::redundant_closure_for_method_calls, reason = "a path to the method is of one lifetime only")]
const RULES: [Rule; 34] = [
    rule(Dials::failed(&OWN_FAULT), Verdict::LocalProblem, |_| true),
    rule(Dials::failed(&[Cause::WrongGroup]), Verdict::WrongGroup, |_| true),
    rule(Dials::failed(&[Cause::WrongSecret]), Verdict::WrongSecret, |_| true),
    rule(Dials::failed(&[Cause::VersionMismatch]), Verdict::VersionMismatch, |_| true),
    rule(Dials::ANY, Verdict::WrongSubnet, |p| p.masks_differ),
    rule(Dials::failed(&[Cause::NoRoute]), Verdict::NoRoute, |_| true),
    rule(UNANSWERED, Verdict::PacketLoss, |p| {
        p.mine.loss.is_some_and(|loss| loss >= HEAVY) && !p.mine.echo.is_failing()
    }),
    // The other end says that it cannot send: then nothing of it arrives, either.
    rule(Dials::ANY, Verdict::LocalProblem, |p| !p.mine.is_fine() && p.theirs_fails_by(&OWN_FAULT)),
    rule(Dials::ANY, Verdict::NoRoute, |p| !p.mine.is_fine() && p.theirs_fails_by(&[Cause::NoRoute])),
    // Nor is anything of it believed where it has another secret first.
    rule(Dials::ANY, Verdict::WrongSecret, |p| !p.mine.is_fine() && p.theirs_fails_by(&[Cause::WrongSecret])),
    // TCP is answered, with a refusal.
    rule(REFUSED, Verdict::FirewallReject, |p| p.program_lives() || p.witnesses.reach),
    rule(REFUSED, Verdict::ClosedPort, |_| true),
    rule(UNREACHABLE, Verdict::Isolated, |p| p.is_cut_off_alone()),
    rule(UNREACHABLE, Verdict::FirewallReject, |p| p.lives()),
    rule(GONE, Verdict::FirewallReject, |p| p.icmp_confirms(Verdict::FirewallReject)),
    // TCP is accepted. A reply that is lost, and sent again in vain, tells nothing of who sent it.
    rule(SILENT_PORT, Verdict::PacketLoss, |p| p.mine.is_lossy() && !p.mine.echo.is_failing()),
    rule(SILENT_PORT, Verdict::Mtu, |p| p.mine.large.is_failing()),
    rule(SILENT_PORT, Verdict::HungPeer, |_| true),
    // TCP vanishes.
    rule(VANISHED, Verdict::PacketLoss, |p| p.mine.loss >= Some(HEAVY_FOR_A_PAIR) && p.fails_one_way()),
    rule(VANISHED, Verdict::OneWayTcp, |p| p.fails_one_way()),
    rule(VANISHED, Verdict::FirewallDrop, |p| {
        p.other_paths_work() && p.witnesses_looked() && p.reverse_is_known()
    }),
    rule(GONE, Verdict::OneWayUdp, |p| {
        p.mine.echo.is_failing() && p.theirs_is_known() && (p.heard() || p.hears_me())
    }),
    rule(GONE, Verdict::NoRoute, |p| p.unheard() && p.icmp_confirms(Verdict::NoRoute)),
    rule(GONE, Verdict::Isolated, |p| p.is_cut_off_alone()),
    rule(GONE, Verdict::HostDown, |p| p.silent() && p.no_witness_knows_better()),
    rule(GONE, Verdict::HostDown, |p| {
        p.unheard() && p.icmp_confirms(Verdict::HostDown) && p.no_witness_knows_better()
    }),
    rule(Dials::failed(&[Cause::NetworkUnreachable]), Verdict::NoRoute, |p| p.never_heard_by_udp()),
    rule(GONE, Verdict::HostDown, |p| p.never_heard_by_udp() && p.no_witness_knows_better()),
    // TCP passes.
    rule(Dials::ANSWERED, Verdict::OneWayUdp, |p| {
        p.mine.echo.is_failing() && p.theirs_is_known() && (p.heard() || p.hears_me())
    }),
    rule(Dials::ANSWERED, Verdict::UdpBlocked, |p| p.silent_by_udp() && p.is_not_heard()),
    rule(Dials::ANSWERED, Verdict::BroadcastBlocked, |p| {
        p.mine.echo.is_ok() && p.mine.broadcast.is_failing()
    }),
    // Where packets are lost everywhere, the rest works or fails all the same; but some large ones are lost by chance.
    rule(Dials::ANY, Verdict::PacketLoss, |p| {
        p.mine.loss.is_some_and(|loss| loss >= LOSSY) && !p.mine.tcp.is_failing() && !p.mine.echo.is_failing()
    }),
    rule(Dials::ANSWERED, Verdict::Mtu, |p| p.mine.large.is_failing()),
    rule(STRANGE, Verdict::Unknown, |_| true),
];

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

/// Whether a verdict rests on something that is no longer heard: of other pairs we learn that way by way. That broadcasts alone are
/// missing is told only once an echo came after they were missed.
fn needs_silence(verdict: Verdict) -> bool {
    use Verdict::{HostDown, Isolated, OneWayUdp, UdpBlocked};
    matches!(verdict, HostDown | Isolated | OneWayUdp | UdpBlocked)
}

/// Whether a verdict says that datagrams do not come through: whoever is behind the address of another host gets only what it asked for.
fn of_udp(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::OneWayUdp | Verdict::UdpBlocked | Verdict::BroadcastBlocked)
}

/// The verdict on one direction of a pair; none as long as the evidence is not settled.
pub(super) fn verdict(evidence: &PairEvidence<'_>) -> Option<Verdict> {
    let dial = Dials::of(evidence.mine.tcp, evidence.mine.cause);
    if let Some(rule) = RULES.iter().find(|rule| rule.dial.has_any_of(dial) && (rule.holds)(evidence)) {
        if evidence.translated && evidence.mine.tcp.is_ok() && of_udp(rule.verdict) {
            return Some(Verdict::Ok);
        }
        let told = Some(rule.verdict).filter(|verdict| evidence.settled || !needs_silence(*verdict));
        return told.filter(|verdict| !evidence.second_hand || evidence.may_be_said_unheard(*verdict));
    }
    let unsettled = [evidence.mine.echo, evidence.mine.broadcast].contains(&PathStatus::Failing);
    (evidence.mine.tcp.is_ok() && !unsettled).then_some(Verdict::Ok)
}

impl PairEvidence<'_> {
    /// Only connections in this direction fail, and both ends have others.
    fn fails_one_way(&self) -> bool {
        self.other_paths_work() && self.reaches_me() && self.witnesses.reach_here && self.witnesses.reached
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

    /// Of whom this node never heard anything it can only be said that the two are kept apart, or that they are in one direction, where the
    /// other one hears this node.
    fn may_be_said_unheard(&self, verdict: Verdict) -> bool {
        verdict == Verdict::Isolated || verdict == Verdict::OneWayUdp && self.hears_me()
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
        let lately =
            |at: Option<Instant>| self.told_since.is_none_or(|since| at.is_some_and(|at| at >= since));
        self.theirs.filter(|theirs| lately(theirs.checked)).map_or(PathStatus::Unknown, |theirs| theirs.tcp)
    }

    /// The receiver's dials of the sender get their reply.
    fn reaches_me(&self) -> bool {
        self.mine.served.is_ok() || self.their_tcp().is_ok()
    }

    /// Whether it is known how TCP fares in the other direction. If it fails there since before it fails here, that is known, too.
    fn reverse_is_known(&self) -> bool {
        self.reaches_me() || self.reverse_fails || self.waited
    }

    /// UDP or the receiver's own dials pass.
    fn other_paths_work(&self) -> bool {
        self.mine.echo.is_ok() || self.reaches_me()
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

    /// Nothing passes between the two in either direction, and others reach it.
    fn is_cut_off_alone(&self) -> bool {
        self.silent() && self.witnesses_see_life() && self.is_not_heard()
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

    /// An observation that lasts as long as the test.
    fn kept(observation: Observation) -> &'static Observation {
        Box::leak(Box::new(observation))
    }

    fn evidence(mine: Observation) -> PairEvidence<'static> {
        PairEvidence {
            mine: kept(mine),
            theirs: None,
            doubt: false,
            reverse_fails: false,
            witnesses: WitnessReports::default(),
            masks_differ: false,
            ours: true,
            second_hand: false,
            translated: false,
            icmp_code: None,
            icmp_from_itself: false,
            told_since: None,
            settled: true,
            waited: true,
            waited_long: true,
        }
    }

    #[test]
    fn whoever_is_behind_the_address_of_another_host_hears_nothing_that_it_did_not_ask_for() {
        let silent = sees([Yes, No, No, No, Open], None);
        let told = |translated| verdict(&PairEvidence { translated, ..evidence(silent) });
        assert_eq!((told(false), told(true)), (Some(Verdict::UdpBlocked), Some(Verdict::Ok)));
        let gone = PairEvidence {
            translated: true,
            ..evidence(sees([No, No, No, No, Open], Some(Cause::TimedOut)))
        };
        assert_eq!(verdict(&gone), Some(Verdict::HostDown), "its dials fail for other reasons");
    }

    #[test]
    fn every_fault_of_a_pair_has_its_verdict() {
        let reports = |reach| WitnessReports {
            any: true,
            looked: true,
            reach,
            reach_here: reach,
            alive: true,
            reached: true,
        };
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
    fn where_packets_are_lost_a_reply_may_be_and_nobody_hangs() {
        let hangs = |ways, loss| Observation { loss, ..sees(ways, Some(Cause::NoReply)) };
        let told = |mine| verdict(&evidence(mine));
        assert_eq!(told(hangs([No, Yes, Yes, Yes, Open], Some(46))), Some(Verdict::PacketLoss));
        assert_eq!(told(hangs([No, No, Yes, Yes, Open], Some(46))), Some(Verdict::HungPeer), "no echo comes");
        assert_eq!(told(hangs([No, Yes, Yes, Yes, Open], Some(LOSSY - 1))), Some(Verdict::HungPeer));
        assert_eq!(told(hangs([No, Yes, Yes, Yes, Open], None)), Some(Verdict::HungPeer));
    }

    #[test]
    fn where_half_of_the_packets_are_lost_a_pair_fails_by_chance() {
        let witnesses = WitnessReports {
            any: true,
            looked: true,
            reach: true,
            reach_here: true,
            alive: true,
            reached: true,
        };
        let told = |loss| {
            let mine = Observation { loss, ..sees([No, Yes, Yes, Yes, Yes], Some(Cause::TimedOut)) };
            verdict(&PairEvidence { witnesses, ..evidence(mine) })
        };
        assert_eq!(told(Some(HEAVY_FOR_A_PAIR)), Some(Verdict::PacketLoss));
        assert_eq!(told(Some(HEAVY_FOR_A_PAIR - 1)), Some(Verdict::OneWayTcp));
        assert_eq!(told(None), Some(Verdict::OneWayTcp));
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
        let hears = Some(kept(sees([Yes, No, Yes, Yes, Yes], None)));
        assert_eq!(verdict(&PairEvidence { theirs: hears, ..evidence(deaf) }), Some(Verdict::OneWayUdp));
    }

    #[test]
    fn of_dropped_connections_nothing_is_said_before_the_other_direction_is_known() {
        let dropped = sees([No, Yes, Yes, Yes, Open], Some(Cause::TimedOut));
        let unknown = PairEvidence { waited: false, ..evidence(dropped) };
        assert_eq!(verdict(&unknown), None);
        let fails_too = PairEvidence { reverse_fails: true, ..unknown };
        assert_eq!(verdict(&fails_too), Some(Verdict::FirewallDrop));
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
        let lossy =
            |loss, tcp, cause| Observation { loss: Some(loss), ..sees([tcp, Yes, Yes, Yes, Yes], cause) };
        assert_eq!(verdict(&evidence(lossy(80, No, Some(Cause::TimedOut)))), Some(Verdict::PacketLoss));
        assert_eq!(verdict(&evidence(lossy(80, No, Some(Cause::Refused)))), Some(Verdict::FirewallReject));
        let dropped = verdict(&evidence(lossy(55, No, Some(Cause::TimedOut))));
        assert_eq!(dropped, Some(Verdict::FirewallDrop), "so few explain no failure of TCP");
        assert_eq!(verdict(&evidence(lossy(20, Yes, None))), Some(Verdict::PacketLoss));
        let little = Observation { loss: Some(5), ..sees([Yes; 5], None) };
        assert_eq!(verdict(&evidence(little)), Some(Verdict::Ok));
        let large = Observation { large: No, ..sees([Yes; 5], None) };
        assert_eq!(verdict(&evidence(large)), Some(Verdict::Mtu));
    }
}
