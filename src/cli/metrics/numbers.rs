//! What Prometheus is told: a fold over the events. Names and units are by its conventions; there are as many series as there are words for
//! states, verdicts, causes and reasons, however many peers there are.

use std::collections::HashMap;
use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::engine::event::{Event, RejectReason};
use crate::engine::peers::{LeaveReason, PeerKey, PeerState};
use crate::engine::verdict::{FindingId, Verdict};
use crate::net::Traffic;

use super::listener::Form;

/// What all names begin with.
const PREFIX: &str = "vigie";
/// The round trips that are told apart: from 100 µs, which a quiet link has, by factors of two up to 3.3 s, close to the time limit of
/// an attempt.
const BUCKETS: (f64, f64, u16) = (0.000_1, 2.0, 16);
/// The result of a dial that was answered; any other is a cause.
const OK: &str = "ok";

/// One label with its value.
type Label = [(&'static str, String); 1];

/// All numbers, and what they are computed from.
pub(super) struct Numbers {
    registry: Registry,
    peers: Family<Label, Gauge>,
    findings: Family<Label, Gauge>,
    failing_pairs: Gauge,
    dials: Family<Label, Counter>,
    round_trips: Histogram,
    served: Counter,
    rejected: Family<Label, Counter>,
    missed: Counter,
    received: Counter,
    sent: Counter,
    states: HashMap<PeerKey, PeerState>,
    /// The findings that stand, with how many pairs they are about.
    open: HashMap<FindingId, (Verdict, usize)>,
}

impl Numbers {
    pub(super) fn new() -> Self {
        let (start, factor, length) = BUCKETS;
        let mut numbers = Self {
            registry: Registry::with_prefix(PREFIX),
            peers: Family::default(),
            findings: Family::default(),
            failing_pairs: Gauge::default(),
            dials: Family::default(),
            round_trips: Histogram::new(exponential_buckets(start, factor, length)),
            served: Counter::default(),
            rejected: Family::default(),
            missed: Counter::default(),
            received: Counter::default(),
            sent: Counter::default(),
            states: HashMap::new(),
            open: HashMap::new(),
        };
        numbers.register();
        numbers
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let build: Family<Label, Gauge> = Family::default();
        build.get_or_create(&[("version", env!("VIGIE_VERSION").to_owned())]).set(1);
        registry.register("build_info", "The version of the program", build);
        registry.register("peers", "Peers by state", self.peers.clone());
        registry.register("findings", "Findings that stand, by verdict", self.findings.clone());
        registry.register(
            "failing_pairs",
            "Pairs of nodes that findings are about",
            self.failing_pairs.clone(),
        );
        registry.register("dials", "Attempts to dial a peer, by result", self.dials.clone());
        let help = "Round trip of answered dials: from the request until the whole reply";
        registry.register_with_unit("dial_round_trip", help, Unit::Seconds, self.round_trips.clone());
        registry.register("exchanges_served", "Dials of other nodes that were answered", self.served.clone());
        // From the start, or what is rejected first would be no change that anybody sees.
        for reason in RejectReason::ALL {
            drop(self.rejected.get_or_create(&[("reason", word(reason))]));
        }
        registry.register("rejected", "What was rejected, by reason", self.rejected.clone());
        registry.register("events_missed", "Events that these numbers lack", self.missed.clone());
        registry.register("received_datagrams", "Datagrams received", self.received.clone());
        registry.register("sent_datagrams", "Datagrams sent", self.sent.clone());
    }

    /// Takes an event in. Returns whether a snapshot is needed.
    pub(super) fn fold(&mut self, event: &Event) -> bool {
        match event {
            Event::Snapshot(snapshot) => {
                self.states = snapshot.peers.iter().map(|peer| (peer.info.key, peer.state)).collect();
            }
            Event::PeerDiscovered { peer, .. } => _ = self.states.entry(peer.key).or_insert(PeerState::New),
            Event::PeerState { peer, to, .. } => _ = self.states.insert(peer.key, *to),
            Event::PeerLeft { peer, reason: LeaveReason::Goodbye } => {
                self.states.insert(peer.key, PeerState::Left);
            }
            Event::PeerLeft { peer, .. } => _ = self.states.remove(&peer.key),
            Event::DialSucceeded { rtt, .. } => {
                self.dials.get_or_create(&result(OK)).inc();
                self.round_trips.observe(rtt.as_secs_f64());
            }
            Event::DialFailed { cause, .. } => _ = self.dials.get_or_create(&result(cause.as_str())).inc(),
            Event::ExchangeServed { .. } => _ = self.served.inc(),
            Event::Diagnosis(finding) if finding.verdict == Verdict::Ok => _ = self.open.remove(&finding.id),
            Event::Diagnosis(finding) => {
                finding.replaces.map(|replaced| self.open.remove(&replaced));
                self.open.insert(finding.id, (finding.verdict, finding.pair_count));
            }
            Event::Rejected { reason, count, .. } => {
                self.rejected.get_or_create(&[("reason", word(*reason))]).inc_by(*count);
            }
            Event::Lagged { missed } => {
                self.missed.inc_by(*missed);
                return true;
            }
            _ => {}
        }
        false
    }

    /// All numbers, as `OpenMetrics` or as the older text.
    ///
    /// # Errors
    /// Never: a text takes everything.
    pub(super) fn text(&self, traffic: &Traffic, form: Form) -> Result<String, fmt::Error> {
        for state in PeerState::ALL {
            let count = self.states.values().filter(|known| **known == state).count();
            self.peers.get_or_create(&[("state", state.as_str().to_owned())]).set(number(count));
        }
        for verdict in Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Ok) {
            let count = self.open.values().filter(|(known, _)| *known == verdict).count();
            self.findings.get_or_create(&[("verdict", verdict.as_str().to_owned())]).set(number(count));
        }
        self.failing_pairs.set(number(self.open.values().map(|(_, pairs)| pairs).sum()));
        catch_up(&self.received, traffic.received());
        catch_up(&self.sent, traffic.sent());
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(match form {
            Form::OpenMetrics => text,
            Form::Text => as_text(&text),
        })
    }
}

/// The older text says of a counter what it is under the name of its series, and knows no units and no end.
fn as_text(openmetrics: &str) -> String {
    let is_counter = |name: &str| openmetrics.contains(&format!("\n# TYPE {name} counter\n"));
    let line = |line: &str| {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("EOF" | "UNIT"), ..) => String::new(),
            (Some("#"), Some(what), Some(name), Some(rest)) if is_counter(name) => {
                format!("# {what} {name}_total {rest}\n")
            }
            _ => format!("{line}\n"),
        }
    };
    openmetrics.lines().map(line).collect()
}

fn result(word: &str) -> Label {
    [("result", word.to_owned())]
}

/// The contract's word for it.
fn word(reason: RejectReason) -> String {
    let word = serde_json::to_value(reason).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or("other").to_owned()
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Makes a counter tell what is counted elsewhere.
fn catch_up(counter: &Counter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use crate::engine::cause::{Cause, Detail};
    use crate::engine::peers::PeerInfo;
    use crate::testkit;

    use super::*;

    fn lines(numbers: &Numbers) -> Vec<String> {
        numbers.text(&Traffic::default(), Form::OpenMetrics).unwrap().lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn says(numbers: &Numbers, line: &str) {
        let lines = lines(numbers);
        assert!(lines.iter().any(|said| said == line), "{line} is missing in {lines:#?}");
    }

    fn changed(peer: &Arc<PeerInfo>, from: PeerState, to: PeerState) -> Event {
        Event::PeerState { peer: Arc::clone(peer), from, to }
    }

    #[test]
    fn peers_are_counted_by_their_state() {
        let mut numbers = Numbers::new();
        let [one, two] = [testkit::named_peer(1, "one"), testkit::named_peer(2, "two")];
        for peer in [&one, &two] {
            numbers.fold(&changed(peer, PeerState::New, PeerState::Up));
        }
        numbers.fold(&changed(&two, PeerState::Up, PeerState::Unreachable));
        says(&numbers, "vigie_peers{state=\"up\"} 1");
        says(&numbers, "vigie_peers{state=\"unreachable\"} 1");
        says(&numbers, "vigie_peers{state=\"silent\"} 0");
        numbers.fold(&Event::PeerLeft { peer: Arc::clone(&one), reason: LeaveReason::Goodbye });
        numbers.fold(&Event::PeerLeft { peer: two, reason: LeaveReason::Expired });
        says(&numbers, "vigie_peers{state=\"up\"} 0");
        says(&numbers, "vigie_peers{state=\"left\"} 1");
        says(&numbers, "vigie_peers{state=\"unreachable\"} 0");
    }

    #[test]
    fn a_finding_counts_until_it_is_withdrawn_or_corrected() {
        let mut numbers = Numbers::new();
        let peer = testkit::named_peer(1, "one");
        let finding = |id, verdict, replaces| {
            let finding = testkit::finding(&peer, verdict, testkit::t0());
            Event::Diagnosis(Arc::new(crate::engine::verdict::Finding {
                id: FindingId(id),
                replaces,
                ..finding
            }))
        };
        numbers.fold(&finding(1, Verdict::HostDown, None));
        numbers.fold(&finding(2, Verdict::FirewallDrop, Some(FindingId(1))));
        says(&numbers, "vigie_findings{verdict=\"host_down\"} 0");
        says(&numbers, "vigie_findings{verdict=\"firewall_drop\"} 1");
        numbers.fold(&finding(2, Verdict::Ok, None));
        says(&numbers, "vigie_findings{verdict=\"firewall_drop\"} 0");
        says(&numbers, "vigie_failing_pairs 0");
    }

    #[test]
    fn dials_are_counted_by_their_result_and_timed() {
        let mut numbers = Numbers::new();
        let peer = testkit::named_peer(1, "one");
        let addr = peer.addr;
        let rtt = Duration::from_micros(150);
        numbers.fold(&Event::DialSucceeded { peer: Arc::clone(&peer), addr, attempt: 1, connect: rtt, rtt });
        let failure = |cause| Event::DialFailed {
            peer: Arc::clone(&peer),
            addr,
            attempt: 1,
            max: 5,
            cause,
            detail: Arc::new(Detail::System("refused".into())),
            errno: None,
            retryable: true,
            retry_in: None,
        };
        numbers.fold(&failure(Cause::Refused));
        numbers.fold(&failure(Cause::Refused));
        says(&numbers, "vigie_dials_total{result=\"ok\"} 1");
        says(&numbers, "vigie_dials_total{result=\"refused\"} 2");
        says(&numbers, "vigie_dial_round_trip_seconds_bucket{le=\"0.0001\"} 0");
        says(&numbers, "vigie_dial_round_trip_seconds_bucket{le=\"0.0002\"} 1");
        says(&numbers, "vigie_dial_round_trip_seconds_count 1");
    }

    #[test]
    fn the_older_text_names_counters_as_their_series_and_has_no_units_and_no_end() {
        let numbers = Numbers::new();
        numbers.missed.inc_by(3);
        let text = numbers.text(&Traffic::default(), Form::Text).unwrap();
        let counter = "# HELP vigie_events_missed_total Events that these numbers lack.\n\
            # TYPE vigie_events_missed_total counter\nvigie_events_missed_total 3\n";
        assert!(text.contains(counter), "{text}");
        assert!(!text.contains("# UNIT") && !text.contains("# EOF"), "{text}");
        assert!(text.contains("# TYPE vigie_peers gauge\n"), "{text}");
    }

    #[test]
    fn the_dashboard_and_the_alerts_ask_for_series_that_are_told() {
        let mut numbers = Numbers::new();
        let peer = testkit::named_peer(1, "one");
        let (addr, rtt) = (peer.addr, Duration::from_micros(150));
        numbers.fold(&Event::Rejected { from: addr, reason: RejectReason::WrongGroup, count: 1 });
        numbers.fold(&Event::DialSucceeded { peer, addr, attempt: 1, connect: rtt, rtt });
        let told = numbers.text(&Traffic::default(), Form::OpenMetrics).unwrap();
        for name in ["grafana-dashboard.json", "prometheus-alerts.yml"] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name);
            let text = std::fs::read_to_string(path).unwrap();
            let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
            let asked: Vec<&str> =
                text.split(|c| !is_part(c)).filter(|word| word.starts_with("vigie_")).collect();
            assert!(asked.len() > 5, "{asked:?}");
            for series in asked {
                assert!(
                    told.lines().any(|line| line.split(['{', ' ']).next() == Some(series)),
                    "{name}: {series}"
                );
            }
        }
    }

    #[test]
    fn whatever_happens_there_are_as_many_series_as_there_are_words() {
        let mut numbers = Numbers::new();
        for number in 0..1_000 {
            let peer = testkit::named_peer(number, "peer");
            numbers.fold(&changed(&peer, PeerState::New, PeerState::Up));
        }
        assert!(lines(&numbers).len() < 120, "{}", lines(&numbers).len());
        assert!(numbers.fold(&Event::Lagged { missed: 3 }), "a snapshot mends what was missed");
        says(&numbers, "vigie_events_missed_total 3");
    }
}
