//! Every cap and constant of the engine, each with the reason for its figure.

use std::time::Duration;

/// Peers in the table: eight times what one link's neighbour table holds (`gc_thresh3` = 1 024 on Linux), at
/// some 1.1 kB each.
pub const MAX_PEERS: usize = 16_384;

/// Peers that have not proved their address yet. A flood of forged presences fills this part of the table
/// only; the oldest make room. Above the 1 000 nodes that may start at the same moment on one large link.
pub const MAX_UNPROVEN: usize = 2_048;

/// The same in one network of 24 bits (IPv4) or 64 (IPv6), all addresses of which one host can send from: a large link of IPv6 is one.
pub const MAX_UNPROVEN_IN_A_NETWORK: usize = 1_024;

/// The same in 48 bits of IPv6, which one customer has: more than one such network.
pub const MAX_UNPROVEN_IN_A_SITE: usize = 1_536;

/// What those who proved nothing may say anew of themselves, all together and a second: that they live again, left, have another name or
/// port, or are new where they are too many already. Each datagram of a flood was an event or three otherwise, and a recording of
/// them fills a disk. Whoever proves to be there is heard at any rate.
pub const UNPROVEN_CHANGES_PER_SECOND: u32 = 50;

/// The same at once: those of a few racks of machines that start together and restart before anybody answered them.
pub const UNPROVEN_CHANGES_AT_ONCE: u32 = 256;

/// Nodes behind one address: far more than anybody runs on one host, far less than a forger would like.
pub const MAX_NODES_PER_ADDRESS: u16 = 32;

/// Nodes that said goodbye, remembered at one address: as many as may live there, so that of all that leave together none is
/// revived by a late datagram of its own.
pub const MAX_LEFT_PER_ADDRESS: usize = 32;

/// Addresses remembered of one peer: a host with more shared links is rare, and loses only the oldest.
pub const MAX_PATHS: usize = 4;

/// Between two looks at an address of a peer that is not the one that is dialed, while it answers: rare, for nothing hangs on it
/// until the one that is dialed fails, and then both are dialed.
pub const PATH_CHECKED_EVERY: Duration = Duration::from_mins(5);

/// The same while it does not answer: whoever mends it wants to see that.
pub const PATH_TRIED_EVERY: Duration = Duration::from_mins(1);

/// How long after the last word from an address it counts as one of the peer's.
pub const PATH_KEPT: Duration = Duration::from_mins(10);

/// Peers that a person may name.
pub const MAX_STATIC: usize = 1_024;

/// The period of the regular dials that is chosen where a person sets none, up to [`AUTO_PEERS`] peers: what is wrong with TCP alone
/// is noticed by a dial only, and a dial costs its two ends some 0.1 ms of a core each.
pub const AUTO_DIAL_INTERVAL: Duration = Duration::from_secs(10);

/// Up to so many peers it stays, and beyond them it grows in proportion: a node starts about three regular dials a second at any size.
pub const AUTO_PEERS: u32 = 32;

/// The longest period of regular dials that is believed of another node: the longest that a person may set.
pub const MAX_DIAL_INTERVAL: Duration = Duration::from_hours(1);

/// Dials under way at once: more do not raise the throughput of one thread (they only queue in the kernel).
pub const MAX_DIALS_IN_FLIGHT: usize = 64;

/// First dials a second to peers that have not proved their address (see the reflection rule of the protocol):
/// what a forger could make one node send to a third party, in SYN packets a second.
pub const UNPROVEN_DIALS_PER_SECOND: u32 = 5;

/// Nodes that dial an address from which one datagram came and at which nobody proved to be: of all that are reached, the heaviest for
/// that address. With each further datagram from there as many more do, so that a forger makes nodes send no more than it sends itself.
pub const UNPROVEN_DIALERS: usize = 5;

/// Shortest time between two dials by one node of an address at which nobody proved to be, whatever its ids are; less if the dial interval is.
pub const UNPROVEN_DIALED_AGAIN: Duration = Duration::from_secs(10);

/// Between two looks whether it is this node's turn to dial such an address: a part of the period of presences.
pub const TURN_LOOKED_AT_AGAIN: Duration = Duration::from_secs(2);

/// How long the connection to such an address may take, once the link knows who is there: less than the second after which a first packet
/// is sent again (RFC 6298 §2).
pub const ONE_SYN: Duration = Duration::from_millis(950);

/// How long a new peer is given to prove its address before it is dialed without proof.
pub const PROOF_GRACE: Duration = Duration::from_secs(1);

/// Unicast presences a second in answer to others: a thousand newcomers are greeted in ten seconds with half
/// of it.
pub const ANSWERS_PER_SECOND: u32 = 200;

/// Unicast presences a second to senders that are on no link of ours: enough for people's `--peer` entries.
pub const OFF_LINK_ANSWERS_PER_SECOND: u32 = 10;

/// Datagrams to an address at which nobody has proved to be, within [`STRANGER_ANSWERS_WITHIN`], in answer to what came to this node
/// alone: whoever asks for them sends as many. Enough for three questions whose answers all get lost.
pub const STRANGER_ANSWERS: u8 = 3;

/// The same in answer to what may have gone to everybody: all nodes answer it.
pub const STRANGER_ANSWERS_TO_BROADCASTS: u8 = 1;

/// Between two rounds that are brought forward because somebody that was answered says hello again: its answer was lost, or it is not
/// there. Forgers make nodes send twice as many rounds with that, and no more. Without it, where 20 % are lost on each way, a newcomer
/// among ten is reached 0.2 s later in the mean; with it 0.06 s later than with three answers each, which were 3 times as many for a
/// forger's victim.
pub const ROUND_HURRIED_AGAIN: Duration = STRANGER_ANSWERS_WITHIN;

/// A period of the presences.
pub const STRANGER_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Such addresses that are remembered: as many as are answered in that time ([`ANSWERS_PER_SECOND`]).
pub const MAX_STRANGERS_ANSWERED: usize = 1_024;

/// Up to this many known peers, a hello is answered at once.
pub const ANSWER_AT_ONCE: usize = 16;

/// Above that, the answer waits a random time up to this for each known peer, so that a newcomer receives about
/// a hundred answers a second.
pub const ANSWER_SPREAD: Duration = Duration::from_millis(10);

/// The longest such wait.
pub const MAX_ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Introductions to a peer that never echoes, before only its hellos are answered.
pub const MAX_INTRODUCTIONS: u8 = 4;

/// Between the hellos after the start and after a change of the interfaces: they are at 0, 0.5 and 2 s.
pub const HELLO_GAPS: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1_500)];

/// Between the goodbyes: three, because one may be lost, and all within a tenth of a second.
pub const GOODBYE_GAPS: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(40)];

/// Jitter of the presence period: ±10 %, so that nodes started together drift apart.
pub const PERIOD_JITTER: f64 = 0.1;

/// First dials are spread over a random time up to this for each known peer, so that a newcomer is not dialed by
/// all at once.
pub const DIAL_SPREAD: Duration = Duration::from_millis(10);

/// Rounds in which a peer must have been heard from another address only, before it is dialed there.
pub const ROUNDS_BEFORE_MOVE: u8 = 2;

/// Between two questions to whoever speaks in this node's name: one is enough, but where a datagram is lost.
pub const TWIN_GAP: Duration = Duration::from_secs(1);

/// Between two new identities of this node: whoever forges a twin makes others see it restart, which must stay rare.
pub const RENEWAL_GAP: Duration = Duration::from_mins(1);

/// How long the old address is given to say that the peer is still there.
pub const MOVE_PATIENCE: Duration = Duration::from_millis(300);

/// Rounds after which an address that a peer is heard from again counts as a new one: so many in a row are not lost, even
/// where a third of the datagrams is.
pub const ROUNDS_BEFORE_NEW: u8 = 8;

/// Largest plausible step of a sequence number; a larger one is refused, or one forged datagram would make the
/// real ones look like replays.
pub const MAX_SEQUENCE_STEP: u64 = 1 << 20;

/// So many numbers behind the greatest a datagram may be that changed places with others on the way (RFC 4303 §3.4.3). What is further
/// behind is replayed, or what was taken before it was forged.
pub const MAX_LATE_BY: u64 = 64;

/// How long a silent peer stays in the table.
pub const SILENT_KEPT: Duration = Duration::from_hours(1);

/// Between two questions to nodes that only rows tell of: whoever tells of them makes us send.
pub const ASK_TOLD_GAP: Duration = Duration::from_secs(1);

/// Between two looks at them while none is to be asked.
pub const LOOK_AT_TOLD_GAP: Duration = Duration::from_secs(10);

/// Between two questions to the same address of which only rows tell.
pub const ASK_TOLD_AGAIN: Duration = Duration::from_mins(5);

/// Rows of the table for nodes that only rows of others tell of, and heard nodes for which only others vouch: more than two or three are a
/// network that is cut apart, which is told anyway, or are made up.
pub const MAX_TOLD: usize = 16;

/// Addresses remembered of them: what can be asked between two questions to one.
pub const MAX_TOLD_ADDRESSES: usize = 300;

/// How many nodes that only rows tell of are looked at to find one to ask.
pub const TOLD_LOOKED_AT: usize = 32;

/// How long a silent peer that never proved its address stays in the table.
pub const UNPROVEN_KEPT: Duration = Duration::from_mins(1);

/// How long a peer that said goodbye stays in the table, so that its late datagrams do not revive it.
pub const LEFT_KEPT: Duration = Duration::from_mins(5);

/// The neighbour table is read so often: soon enough for a person who waits for a hardware address, and cheap also where the table is
/// large and somebody connects all the time.
pub const HARDWARE_READS_PER_SECOND: u32 = 4;

/// A timer later than this means that the whole process or machine stood still: nobody is blamed for silence.
pub const STALL: Duration = Duration::from_secs(1);

/// How long after that it may read what came meanwhile: full buffers of a socket, and connections that wait to be accepted.
pub const BACKLOG_READ_WITHIN: Duration = Duration::from_millis(500);

/// Between two look-ups of a host name that had no address.
pub const RESOLVE_AGAIN: Duration = Duration::from_secs(30);

/// Between two look-ups of a host name with which all is well: as long as name servers usually let an address be remembered.
pub const RESOLVE_EVERY: Duration = Duration::from_mins(5);

/// Shortest time between two look-ups of a host name, whatever fails: an address that changes is found within a few seconds, and
/// a peer that is switched off costs its name server a question with every second dial at most.
pub const RESOLVE_GAP: Duration = Duration::from_secs(5);

/// Look-ups of host names under way at once: each holds a thread while name servers are silent.
pub const MAX_LOOKUPS: usize = 16;

/// Addresses of one host name that are tried: more than a host with several networks and both families has.
pub const MAX_ADDRESSES: usize = 8;

/// A person who named a peer sees its row after this, also where name servers are silent.
pub const ROW_WITHOUT_ADDRESS_AFTER: Duration = Duration::from_secs(1);

/// Shortest time between two `rejected` events of one reason.
pub const REJECTED_WINDOW: Duration = Duration::from_secs(1);

/// The window of a reason that goes on doubles up to this.
pub const MAX_REJECTED_WINDOW: Duration = Duration::from_mins(1);

/// How late the timers of single peers may run when there are many: invisible beside the jitter of every wait.
pub const TIMER_SLACK: Duration = Duration::from_millis(25);

/// With many peers, regular dials begin in steps of this: the few that fall into one step share their wake-ups, which cost
/// more than what is done in them. At a hundred peers and the default interval that is five dials a step.
pub const DIAL_STEP: Duration = Duration::from_millis(500);

/// How long an echo may take: far above a link's round trip, also of a Wi-Fi station that sleeps (some 300 ms).
pub const ECHO_TIMEOUT: Duration = Duration::from_secs(1);

/// Regular echoes asked of a peer in a dial interval while there are few peers; with many, it is one.
pub const ECHOES_PER_INTERVAL: u32 = 4;

/// Shortest time between two regular echoes of a peer: by then the one before has come or is lost, so that also with a short
/// dial interval there are moments at which it is known how the peer fares.
pub const ECHO_AGAIN: Duration = Duration::from_millis(1_500);

/// One of so many regular echoes is asked for by a large datagram; with many peers one of [`LARGE_IN_A_CROWD`].
pub const LARGE_ONE_IN: u8 = 4;

/// With many peers, one of so many: 1.5 kB a minute and peer at the default interval.
pub const LARGE_IN_A_CROWD: u8 = 6;

/// Probes in a burst, begun when an echo or a dial fails. At 20 % loss, 97 of 100 bursts lose two or more of so many.
pub const BURST: u8 = 16;

/// Between two probes of a burst: the whole burst then takes less than a second, and no queue is filled by it.
pub const BURST_GAP: Duration = Duration::from_millis(50);

/// Shortest time between the beginnings of two bursts: a whole burst, the wait for its last echo, and a moment in which its
/// outcome counts.
pub const BURST_AGAIN: Duration = Duration::from_secs(3);

/// Bursts under way at once: when a switch dies, all behind it are measured together.
pub const MAX_BURSTS: usize = 64;

/// Bursts that all nodes of a network together begin in a second, if it goes on: each has its share. Otherwise, where packets are lost
/// because there is too much traffic, or the machine of many nodes is busy, measuring it would keep it so.
pub const BURSTS_OF_ALL_PER_SECOND: u32 = 100;

/// Bursts that all nodes together may begin at once: that is 32 of each of a hundred nodes.
pub const BURSTS_OF_ALL_AT_ONCE: u32 = 3_200;

/// Echoes that did not come in time and are remembered, for they may still come: as many as of which the outcome is remembered.
pub const MAX_GIVEN_UP: usize = 64;

/// Peers that are dialed beside one whose dial seems to vanish, to see whether those of others do.
pub const DIALED_BESIDE: usize = 3;

/// Peers that are measured beside one with which packets are lost, to see whether they are lost at this node's own end.
pub const MEASURED_BESIDE: usize = 3;

/// Echoes that must be lost one after the other before the way counts as failing: most of a [`BURST`]. Where 40 % are lost on
/// each way, that is half a percent of the bursts.
pub const LOST_IN_A_ROW: u8 = 12;

/// The same of large datagrams, while small ones pass.
pub const LARGE_LOST_IN_A_ROW: u8 = 3;

/// The same where small ones are lost as well: at 20 % loss on each way, so many large ones in a row are lost once in 1 300.
pub const LARGE_LOST_WITH_LOSS: u8 = 7;

/// Peers that are asked what they see of one that fails: the subgroup of SWIM's indirect probes (Das, Gupta, Motivala 2002).
pub const INDIRECT_PROBES: usize = 3;

/// Peers that are looked at to find [`INDIRECT_PROBES`] that can be asked: among that many some are idle, unless hardly any is.
pub const ABLE_TRIED: usize = 64;

/// Between two rounds of asking about the same peer.
pub const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Checks a second that others may make us do by asking about a peer.
pub const CHECKS_FOR_OTHERS_PER_SECOND: u32 = 5;

/// How much later than it was a dial may seem to have ended that others tell of: they count in tenths of a second, what they tell
/// travels, on busy machines for long, and a dial that got through did so before it ended.
pub const TOLD_TIME_ERROR: Duration = Duration::from_millis(750);

/// Nodes of which it is noted by which links they are heard, while two links of this machine are in one network: a few tell whether
/// those are on two wires.
pub const MAX_HEARD_BY_LINK: usize = 256;

/// Nodes that others tell of at an address of this machine: there is one, or a few tellers of it, unless somebody makes them up.
pub const MAX_RIVALS: usize = 64;

/// Where two links of this machine are in one network: on one wire, a presence comes in by both within this time. A first dial waits
/// for it, to leave by the right one; it is far above what a switch needs, and nothing to wait for.
pub const COPIES_COME_WITHIN: Duration = Duration::from_millis(100);

/// Periods of presences for which it is listened before a node is said to be heard by one link only.
pub const WIRES_HEARD_FOR: u32 = 4;

/// What we know of a peer is fresh enough for one who asks about it.
pub const FRESH_ENOUGH: Duration = Duration::from_secs(2);

/// Cells of others' rows that are kept: those of 362 nodes that all see each other, some 12 MB.
pub const MAX_CELLS: usize = 131_072;

/// Rows of others that are kept, whatever their size.
pub const MAX_ROWS: usize = 4_096;

/// Entries of one row of another that are kept.
pub const MAX_ROW: usize = 2_048;

/// Nodes of one row that are no peers of ours, whose names are kept.
pub const MAX_SECOND_HAND: usize = 512;

/// Nodes in all that are no peers of ours, whose names are kept: a large network on the far side of a filter, and no more than a
/// megabyte of what somebody makes up.
pub const MAX_TOLD_OF: usize = 4_096;

/// Nodes of a matrix that is shown: their pairs are a million, and a document of 150 MB. Peers that were reached come first, and
/// nodes that only others tell of last.
pub const MAX_SHOWN: usize = 1_024;

/// Peers gone from the table that our row still tells of; who knows an older version gets the whole row.
pub const MAX_GONE: usize = 1_024;

/// How long the row of a node that is not heard of any longer is kept.
pub const ROW_KEPT: Duration = Duration::from_mins(10);

/// Between two looks at which rows are too old: they are many, and an old one may stay a little longer.
pub const ROWS_EXPIRED_EVERY: Duration = Duration::from_secs(10);

/// Nodes of other groups, versions or networks that are remembered.
pub const MAX_STRANGERS: usize = 64;

/// How long a stranger is remembered after its last word.
pub const STRANGER_KEPT: Duration = Duration::from_secs(30);

/// Of the heartbeats on a link where IPv4 carries them all, one in so many goes by IPv6, too: it shows that IPv6 works there, and
/// finds nobody whom the hellos did not find.
pub const MULTICAST_ONE_IN: u8 = 3;

/// Between two presences to the limited broadcast address, which reach hosts whose address or mask does not fit.
pub const WIDE_EVERY: Duration = Duration::from_secs(10);

/// How long a node in another network is remembered after its last word: only these presences of it are heard, and where 20 % of the
/// packets are lost, six in a row are missing less than once in ten thousand.
pub const WIDE_KEPT: Duration = Duration::from_mins(1);

/// Nodes among which patterns are looked for: all pairs of so many are judged in some milliseconds.
pub const MAX_JUDGED: usize = 256;

/// Shortest time between two lives of a peer that are believed because of connections: no host starts a program more often, and each
/// life is told. Whoever sends back a nonce is believed at once.
pub const LIVES_APART: Duration = Duration::from_secs(1);

/// Exchanges a second of those that are no peers that are told, and at once: a person or a script that dials, or a node for which there is
/// no room. Anybody who reaches this node, from beyond its links too, can make thousands.
pub const STRANGERS_SERVED_TOLD: (u32, u32) = (10, 64);

/// Shortest time between two questions to a peer whether it is still at its address, where others are heard there, too: whoever
/// sends in the name of an address makes us dial that one no more often.
pub const CHALLENGE_AGAIN: Duration = Duration::from_secs(1);

/// How long what a node said before it ended, or before another one took its place, may still come: far above any way through a network.
/// What comes later is said by somebody who lives.
pub const LATE_WORDS: Duration = Duration::from_secs(2);

/// How long a peer in whose name a goodbye was said is given to say so itself. It answers within a round trip, and goes on for
/// 60 ms ([`GOODBYE_GAPS`]); one that has ended already does not answer.
pub const GOODBYE_PATIENCE: Duration = Duration::from_millis(300);

/// Between two such questions: one for each goodbye of a node that leaves.
pub const GOODBYE_ASKED_AGAIN: Duration = Duration::from_millis(15);

/// Shortest time between two requests for a proof to an address from which something doubtful was heard.
pub const PROOF_ASKED_AGAIN: Duration = Duration::from_secs(1);

/// Shortest time between two judgements.
pub const JUDGE_AGAIN: Duration = Duration::from_millis(500);

/// And for each elementary step of the first: at some 40 ns a step, judging takes a thousandth of a processor at most, however much is
/// wrong, so that the nodes of a crowd which share a machine do not keep each other from answering. A hundred nodes of which many fail
/// are judged every two seconds.
pub const JUDGE_AGAIN_PER_STEP: Duration = Duration::from_micros(50);

/// But no longer than this.
pub const JUDGE_AGAIN_AT_MOST: Duration = Duration::from_secs(4);

/// Elementary steps of a diagnosis (an entry read, a pair judged, a witness heard) in one slice: well below a millisecond, for
/// which a datagram may wait.
pub const DIAGNOSIS_SLICE: usize = 16_384;

/// Between two slices of a diagnosis: whoever drives the engine looks at its timers first, and is to see the sockets, too.
pub const DIAGNOSIS_PAUSE: Duration = Duration::from_millis(1);

/// How long a verdict must stand before it is told, and its reason be gone before it is withdrawn; less if the dial interval
/// is short.
pub const VERDICT_SETTLES: Duration = Duration::from_secs(1);

/// Echoes a second that are sent to peers whose address is proven: those of a thousand peers, with bursts of some. Apart from
/// [`ANSWERS_PER_SECOND`], so that a flood of strangers does not make this node look deaf.
pub const ECHO_ANSWERS_PER_SECOND: u32 = 2_000;

/// The first echo of a peer is asked for at a random time within this: the matrix is soon complete, and no burst goes out.
pub const FIRST_ECHO_WITHIN: Duration = Duration::from_millis(200);

/// In a crowd, within this for each peer: a node asks for fifty first echoes a second, and a newcomer is asked by no more.
pub const FIRST_ECHO_SPREAD: Duration = Duration::from_millis(20);

/// Kilobytes a second in which our row is told. At rest it is next to nothing; when a hundred nodes start together, each has to
/// tell a hundred others some 5 kB, and that is to leave room on a slow link.
pub const ROW_KILOBYTES_PER_SECOND: u32 = 24;

/// While there is trouble with a peer, it is looked so often whether that is over, whatever the wait for the next attempt is.
pub const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How many of the nodes that have trouble with one look so often: their news make the others look.
pub const LOOKERS: usize = 3;

/// Peers that are looked at in one round. Of more, each has its turn.
pub const LOOKS_AT_ONCE: usize = 16;

/// An attempt without an answer for so long is late, where all echoes come: a first packet that was lost by chance is sent again after
/// a second (RFC 6298 §2).
pub const LATE_DIAL: Duration = Duration::from_millis(1_200);

/// Dials of others that are remembered to spread them: of more, those are apart by less than a hundredth of the interval anyhow.
pub const MAX_INBOUND_DIALS: usize = 256;

/// The part of its interval by which a node moves a regular dial because the peer wants it at another time: nobody can make it dial much more
/// often than it wants to.
pub const DIAL_MOVED_BY: f64 = 0.25;

/// Where any of the echoes that are remembered was lost, so many attempts in a row must have had no answer for TCP to fail: where 20 % are
/// lost on each way, one in twenty has none.
pub const FAILED_IN_A_ROW: u32 = 3;

/// Another address of a peer is dialed when the first has had no answer for so long: by then a first packet that was lost by chance was
/// sent again (RFC 6298 §2). Sooner, a lost packet would have the peer dialed elsewhere from then on.
pub const STANDBY_AFTER: Duration = Duration::from_millis(1_150);

/// An attempt whose other addresses were dialed as well is late by so much more: they have that long to answer.
pub const STANDBY_ANSWERS: Duration = Duration::from_millis(250);

/// Of a peer that accepts connections and never replies, so many attempts in a row must have found no connection for it to be gone: where
/// 20 % are lost on each way, a look of two seconds finds none once in eight.
pub const HANGS_NO_LONGER: u8 = 3;

/// A peer whose attempt has no answer for so long is asked for an echo: before that is late, it tells whether anything passes.
pub const OVERDUE_DIAL: Duration = Duration::from_millis(800);

/// So many echoes must have come, one after the other, for a late attempt to say anything: where 20 % are lost on each way, that is so
/// in 3 of 100 cases.
pub const ALL_CAME: u8 = 8;

/// When so many echoes of a burst are missing, the peer is dialed: what the others will say is known soon enough.
pub const SEEMS_LOST: u8 = 6;

/// Signatures of rows that are checked, a second: 2 % of a core. A hundred nodes tell some ten a second, a thousand as many.
pub const ROW_SIGNATURES_PER_SECOND: u32 = 500;
/// So many at once, which is the most that one message brings: 2 ms. A reply has 33 rows, if all that are asked for are new.
pub const ROW_SIGNATURES_AT_ONCE: u32 = 48;

/// Of the rows that are passed on, so many are checked in one slice: some 0.2 ms, for which a datagram may wait. What a node tells of its own is one
/// page of a message, and is checked at once.
pub const ROW_CHECKS_IN_A_SLICE: usize = 4;

/// Between two such slices: whoever drives the engine sees to the sockets then.
pub const ROW_CHECKS_PAUSE: Duration = DIAGNOSIS_PAUSE;

/// Pages that wait for that: those of two replies, of 16 kB at most each. All of them are checked within 20 ms.
pub const MAX_PAGES_UNCHECKED: usize = 64;

/// So many dials in a row must a peer that hides close at the first message, and answer no datagram meanwhile, for their secrets to differ: one is
/// closed so by a process that ends, and the next one is refused.
pub const SHUT_OUT_TIMES: u8 = 2;

/// Bytes of a presence that news of our row may take: what the rest of it leaves of the largest datagram, whatever the names.
pub const NEWS_ROOM: usize = 880;

/// What fails or no longer fails is told to everybody after this: several things that happen at once go together.
pub const NEWS_SOON: Duration = Duration::from_millis(20);

/// That something more is known to be fine is told after this.
pub const NEWS_LATER: Duration = Duration::from_secs(1);

/// In a crowd, so many newcomers are told the whole row together, by news; fewer of them fetch it from each by their first exchange.
pub const MANY_NEWCOMERS: usize = 4;

/// It is told when nobody came for so long.
pub const NEWCOMERS_SETTLE: Duration = Duration::from_secs(2);

/// But after this at the latest.
pub const NEWCOMERS_SETTLE_AT_MOST: Duration = Duration::from_secs(10);

/// In a crowd, what all see at once is told at a random time within this for each of them: a thousand nodes within [`NEWS_LATER`].
pub const NEWS_SPREAD: Duration = Duration::from_millis(1);

/// Datagrams a second that carry news of our row.
pub const NEWS_PER_SECOND: u32 = 4;

/// The same of all nodes together, of which each has its share: they are broadcasts, and each node takes all of them.
pub const NEWS_OF_ALL_PER_SECOND: u32 = 100;

/// Nodes that look at one because of another's news of it: all of a few dozen. The bursts of so many, 32 echoes each with the large ones,
/// are answered at once ([`ECHO_ANSWERS_PER_SECOND`]).
pub const LOOKERS_FOR_NEWS: usize = 32;

/// Nodes that news of one datagram may make us look at.
pub const LOOKED_AT_FOR_NEWS: usize = 8;

/// Between two readings of the rules of this machine's own packet filter, which takes programs to be run: while some of them stop
/// packets of this node, and at first. With nothing found it is twice as long each time, for a dead host is looked at by everybody.
pub const READ_FILTER_AGAIN: Duration = Duration::from_secs(10);

/// And at the longest.
pub const READ_FILTER_AT_LEAST_EVERY: Duration = Duration::from_mins(5);

/// When something begins to fail they are read if a part of that time has passed, this one.
pub const READ_FILTER_FOR_NEWS: u32 = 16;

/// Shortest time between two readings of them, whatever else begins to fail.
pub const READ_FILTER_GAP: Duration = Duration::from_secs(1);

/// How long a rule that was read explains what fails: until it is read again, and then until everybody has seen its end.
pub const FILTER_RULES_LAST: Duration = Duration::from_secs(20);

/// Rules of this machine's packet filter that are held: those of a few chains for each interface.
pub const MAX_BLOCKING_RULES: usize = 64;

/// Peers that a node chooses to hold a tether to: as many choose it in the mean, so that of a thousand nodes two or three are held by
/// nobody but those that they chose themselves.
pub const TETHERS: usize = 3;

/// Tethers that are held for others: twenty times what is chosen in the mean, in a sixteenth of the usual 1 024 descriptors.
pub const MAX_TETHERS_HELD: usize = 64;

/// The same of one address: for some nodes of one host, and so that eight hosts fill the room and not one.
pub const MAX_TETHERS_PER_ADDRESS: usize = 8;

/// Those to whom it holds one are asked for a small echo so often. With as many that ask this node that is a dozen small datagrams a second,
/// and a host that is cut off is missed after a second, with [`WATCH_AGAIN`].
pub const WATCH_EVERY: Duration = Duration::from_millis(500);

/// After an echo that did not come the next one is asked for so soon: above the round trip of a link that is busy.
pub const WATCH_AGAIN: Duration = Duration::from_millis(150);

/// So many must stay away, one after the other: where 10 % are lost on each way, that is so once in 150 times, and costs the burst of
/// those that dial.
pub const WATCH_MISSES: u8 = 3;

/// A peer that goes out of `up` so often within [`FLAPS_WITHIN`] comes and goes: that is one trouble, and it is over after so long a time
/// without. (`flapping` of the contract.)
pub const FLAPS: usize = 3;

/// Once in twenty seconds: what fails so often is no series of chances.
pub const FLAPS_WITHIN: Duration = Duration::from_mins(1);

/// One that comes and goes is gone when it has been out for so long.
pub const FLAP_LASTS: Duration = Duration::from_secs(20);

/// An echo that takes so long is late: above what a station on Wi-Fi that sleeps takes (some 300 ms).
pub const LATE_ECHO: Duration = Duration::from_millis(500);

/// By so much a program must answer later than its system did: far above what packets overtake each other by.
pub const LATE_BY: Duration = Duration::from_millis(100);

/// And by so many times the time in which the connection stood: where the way is slow, all that goes there is.
pub const LATE_FACTOR: u32 = 10;

/// Late answers that come within this time are one: a process that stood still gives all of them at once.
pub const LATE_APART: Duration = Duration::from_secs(1);

/// A host whose program answers late so often within [`LATE_WITHIN`] is slow: once, or twice, is a hiccup. (`slow_host` of the contract.)
pub const LATE_TIMES: usize = 3;

/// Once in twenty seconds.
pub const LATE_WITHIN: Duration = Duration::from_mins(1);

/// A slow host is well again when no answer was late for so long: a dozen regular echoes while there are few peers, and three in a crowd.
pub const SLOW_LASTS: Duration = Duration::from_secs(30);

/// A slow host of which nothing came for so long does not answer late, but not at all.
pub const SLOW_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// A timer that runs so late means that this node itself is short of time: what came late meanwhile is not held against its peers.
pub const LATE_TIMER: Duration = Duration::from_millis(100);

/// The same where packets are lost now and then: where 30 % are on each way, so many stay away once in 200 times, and the alarm comes a second
/// later.
pub const WATCH_MISSES_WITH_LOSS: u8 = 8;

/// Nodes that dial a suspect: enough that some are on its link, and few enough that a host which starts again is not flooded.
pub const SUSPECT_DIALERS: usize = 8;

/// How many of them must have had no answer, or been refused, before the others believe it: two may err, or be one person's.
pub const WITNESSES: usize = 3;

/// How long a suspect is given for its echo: far above a round trip. A station that sleeps takes longer, and is dialed.
pub const SUSPICION_PATIENCE: Duration = Duration::from_millis(100);

/// An answer is awaited for some round trips where one takes long (a satellite: 0.6 s), but no longer than this for their sake: what
/// was measured may be wrong.
pub const LONGEST_PATIENCE: Duration = Duration::from_secs(4);

/// A suspect that was dialed and asked for a [`BURST`] of echoes, and lets nothing be heard for so long, is not reached: time for
/// [`SEEMS_LOST`] of them, and far above the time in which a connection stands.
pub const UNANSWERED_AFTER: Duration = Duration::from_millis(350);

/// The same where packets are lost on the way: time for the whole burst, and for the first packet of the dial to be sent again.
pub const UNANSWERED_WITH_LOSS: Duration = Duration::from_millis(1_150);

/// Between two looks at one suspect: what a forged suspicion can make a node send to it, in small datagrams.
pub const SUSPECT_AGAIN: Duration = Duration::from_secs(1);

/// Suspects that are looked at because of one teller: a host with some nodes may end, and a forger has no more.
pub const SUSPICIONS_PER_TELLER: usize = 16;

/// Suspects that are looked at, whoever tells: half a small network that ends at once.
pub const MAX_SUSPICIONS: usize = 128;

/// Suspicions that this node tells a second: all whose tethers it may hold, over some seconds.
pub const SUSPICIONS_TOLD_PER_SECOND: u32 = 16;

/// Visitors at once that are helped: the commands of as many machines in the same moment. One that was dialed makes room for the next.
pub const MAX_VISITORS: usize = 64;

/// Dials of visitors a second: one for each of them. Each address was proven before.
pub const VISITOR_DIALS_PER_SECOND: u32 = 64;

/// From a failed dial of a visitor to the next: it stays for a few seconds only.
pub const VISITOR_DIALED_AGAIN: Duration = Duration::from_secs(1);

/// A visitor of which nothing was heard for so long is gone, whatever period it told.
pub const VISIT_ENDS: Duration = Duration::from_mins(1);

/// Between two events that tell of visits.
pub const VISITED_WINDOW: Duration = Duration::from_secs(1);

/// Members of several broadcast domains that are remembered, those that are down among them: as many as there is room for in the table of
/// peers, and some 2 MB.
pub const MAX_MEMBERS: usize = 16_384;

/// Messages of membership that are read a second: at any size of a network a node gets a few (a probe, an answer, gossip of three).
pub const MEMBERSHIP_PER_SECOND: u32 = 100;

/// Between two probes of a member. Unhurried: tethers, watchers and dials notice sooner who is gone.
pub const MEMBER_PROBE_PERIOD: Duration = Duration::from_secs(5);

/// How long the answer to one may take before others are asked to probe.
pub const MEMBER_PROBE_RTT: Duration = Duration::from_secs(1);

/// How long a member may object to a suspicion: several rounds of gossip, and a busy machine.
pub const MEMBER_DOWN_AFTER: Duration = Duration::from_secs(30);

/// How long a member that is down is remembered, and announced to now and then: a partition of a day heals by itself.
pub const MEMBER_DOWN_KEPT: Duration = Duration::from_hours(24);

/// How often news of a member is passed on: the logarithm of the largest network, and some for loss (SWIM §4.1).
pub const MEMBERSHIP_TRANSMISSIONS: u8 = 15;

/// Between two rounds of gossip, while there is news.
pub const MEMBERSHIP_GOSSIP_EVERY: Duration = Duration::from_millis(500);

/// Between two questions to a member, and to one that is down, which members it knows.
pub const MEMBERSHIP_SYNC_EVERY: Duration = Duration::from_secs(30);

/// Between two looks at who became a peer, or a member that is to be asked.
pub const MEMBERSHIP_LOOK_EVERY: Duration = Duration::from_secs(2);

/// How soon it is looked after news of a member: what comes together is one look.
pub const MEMBERSHIP_LOOK_SOON: Duration = Duration::from_millis(100);

/// Peers of other segments that are told in one look that this node is there.
pub const ANNOUNCED_TO_AT_ONCE: usize = 3;

/// Members asked a second whether they are where others say: each of the nodes of a large network asks its share within seconds.
pub const MEMBERS_ASKED_PER_SECOND: u32 = 20;

/// Questions to members that may be answered still: those of the time in which an answer counts.
pub const MEMBERS_ASKED_AT_ONCE: usize = 100;

/// How long an answer counts.
pub const MEMBER_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Between the first two questions to the same member; doubled each time, for a packet may be lost.
pub const MEMBER_ASKED_AGAIN: Duration = Duration::from_secs(2);

/// Between two questions to a member that answered none of many: who lies about where it is makes each node send a small datagram in that
/// time.
pub const MEMBER_ASKED_RARELY: Duration = Duration::from_mins(1);

/// Ports of one address that are asked: a host of a lab may have some nodes.
pub const MEMBERS_ASKED_PER_ADDRESS: usize = 8;

/// Members of other segments that a node dials, where there are more: as many as it dials in its own segment at the usual interval.
pub const FAR_DIALED: usize = 32;

/// Nodes of a segment that dial another segment, at least, where there are so many.
pub const SEGMENT_DIALERS: usize = 3;
