//! Recordings that are whole, torn, foreign and random, and where one can go in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::index::Index;
use super::player::Player;
use super::story;
use super::story::Told;
use crate::app::model::Model;
use crate::app::{News, Play, Playback, When, Wish};
use crate::engine::event::{Event, Stamped};
use crate::engine::peers::{PeerState, Snapshot};
use crate::engine::verdict::Verdict;
use crate::record::Writer;
use crate::testkit::{self, peer, row};

/// Far more than all of it takes.
const SOON: Duration = Duration::from_secs(20);

/// Seconds of the recording: more events than there are between two checkpoints.
const LONG: u64 = 9_000;

/// When a peer fails, and when it is said why.
const FAILS: u64 = 8_500;
const SAID: u64 = 8_510;

/// A file of this test alone, which goes with it.
struct Recorded(PathBuf);

impl Recorded {
    fn holding(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("vigie-{name}-{}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn noon() -> SystemTime {
    humantime::parse_rfc3339("2026-11-27T12:00:00Z").unwrap()
}

/// A recording of one peer that is dialed every second, fails, and is up again.
fn lines() -> Vec<Vec<u8>> {
    let t0 = testkit::t0();
    let host7 = peer(7, "host7");
    let mut writer = Writer::new(t0);
    let mut lines = Vec::new();
    let mut tell = |second: u64, event: Event| {
        let after = Duration::from_secs(second);
        let mut line = Vec::new();
        writer.line(&mut line, &Stamped { at: t0 + after, wall: noon() + after, event }).unwrap();
        lines.push(line);
    };
    let table = Snapshot {
        node: Arc::new(testkit::node(1, "here")),
        interfaces: Arc::new([]),
        peers: vec![row(&host7, PeerState::Up)],
    };
    tell(0, Event::Snapshot(Arc::new(table)));
    let state = |from, to| Event::PeerState { peer: Arc::clone(&host7), from, to };
    for second in 1..LONG {
        let (peer, addr) = (Arc::clone(&host7), host7.addr);
        match second {
            FAILS => tell(second, state(PeerState::Up, PeerState::Retrying)),
            SAID => {
                let finding = testkit::finding(&host7, Verdict::ClosedPort, t0 + Duration::from_secs(SAID));
                tell(second, Event::Diagnosis(Arc::new(finding)));
            }
            8_600 => tell(second, state(PeerState::Retrying, PeerState::Up)),
            _ => tell(second, Event::DialStarted { peer, addr, attempt: 1, max: 5, forced: false }),
        }
    }
    lines
}

/// The same packed, a frame every so many lines.
fn packed(lines: &[Vec<u8>], frame: usize) -> Vec<u8> {
    lines.chunks(frame).flat_map(|lines| zstd::encode_all(&*lines.concat(), 3).unwrap()).collect()
}

/// A player of a file, and what it tells.
struct Bench {
    wishes: mpsc::Sender<Wish>,
    news: mpsc::Receiver<News>,
    model: Model,
    playback: Option<Playback>,
}

impl Bench {
    fn playing(path: &Path) -> Self {
        let mut story = story::open(path).unwrap();
        let first = story::first(&mut story).unwrap();
        let index = Index::begin(path, first.at).unwrap();
        while !index.found().complete {
            std::thread::yield_now();
        }
        let (tell, news) = mpsc::channel(64);
        let (wishes, asked) = mpsc::channel(8);
        let player = Player::new((story, index), &first, (1.0, jiff::tz::TimeZone::UTC), tell);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // It ends with the test, which holds the other ends.
        std::thread::spawn(move || runtime.block_on(player.play(asked)));
        let mut model = Model::default();
        model.fold(&first);
        Self { wishes, news, model, playback: None }
    }

    /// Asks for it, and takes what comes until this holds.
    async fn play(&mut self, play: Play, until: impl Fn(&Model, &Playback) -> bool) {
        self.wishes.send(Wish::Play(play)).await.unwrap();
        let taking = async {
            loop {
                match self.news.recv().await.unwrap() {
                    News::Event(event) => _ = self.model.fold(&event),
                    News::Anew(model) => self.model = *model,
                    News::Playing(playback) => self.playback = Some(playback),
                    _ => {}
                }
                if self.playback.is_some_and(|playback| until(&self.model, &playback)) {
                    return;
                }
            }
        };
        timeout(SOON, taking).await.unwrap_or_else(|_| panic!("{play:?}: {:?}", self.playback));
    }
}

/// Seconds from the begin of the recording to where it is played.
fn second(playback: &Playback) -> u64 {
    playback.clock.shown.saturating_duration_since(playback.begin).as_secs()
}

#[tokio::test]
async fn a_person_goes_to_changes_to_findings_and_to_moments_of_plain_and_of_packed_files() {
    let lines = lines();
    for (name, bytes) in [("plain", lines.concat()), ("packed", packed(&lines, 1_000))] {
        let file = Recorded::holding(name, &bytes);
        let mut bench = Bench::playing(&file.0);
        let failing = |model: &Model| model.count(PeerState::Retrying) == 1;
        bench.play(Play::Pause, |_, playback| playback.is_paused()).await;
        bench.play(Play::NextChange, |model, at| failing(model) && second(at) == FAILS).await;
        bench.play(Play::NextFinding, |model, at| !model.incidents().is_empty() && second(at) == SAID).await;
        bench
            .play(Play::Back(Duration::from_mins(1)), |model, at| !failing(model) && second(at) == 8_450)
            .await;
        bench.play(Play::To("12:10".parse::<When>().unwrap()), |_, at| second(at) == 600).await;
        bench
            .play(Play::To("14:21:45".parse::<When>().unwrap()), |model, at| {
                failing(model) && second(at) == 8_505
            })
            .await;
        bench.play(Play::Step, |_, at| second(at) == 8_506).await;
        bench
            .play(Play::On(Duration::from_hours(1)), |model, at| !failing(model) && second(at) == LONG - 1)
            .await;
        assert!(bench.playback.unwrap().is_paused(), "that is its end");
        assert_eq!(
            bench.model.attempts().len(),
            Told::read(&file.0, |_| true).unwrap().model.attempts().len()
        );
    }
}

#[tokio::test]
async fn events_come_as_fast_as_it_is_played() {
    let file = Recorded::holding("speed", &lines()[..100].concat());
    let mut bench = Bench::playing(&file.0);
    for _ in 0..10 {
        bench.play(Play::Faster, |_, _| true).await;
    }
    bench.play(Play::Faster, |model, at| model.attempts().len() == 99 && at.is_paused()).await;
}

#[test]
fn what_is_torn_or_foreign_is_told_with_its_place_and_what_comes_before_counts() {
    let lines = lines()[..3].to_vec();
    let whole = lines.concat();
    let at = lines[0].len() + lines[1].len();
    for (name, rest, why) in [
        ("cut", &lines[2][..30], "it is cut off here"),
        ("foreign", b"GET / HTTP/1.1\n", "no event: expected value"),
        (
            "contract",
            br#"{"v":1,"ts":"2026-11-27T12:00:00Z","event":"lagged","missed":1}
"#,
            "`vigie watch --json` leaves out",
        ),
    ] {
        let file = Recorded::holding(name, &[&whole[..at], rest].concat());
        let told = Told::read(&file.0, |_| true).unwrap();
        let trouble = told.trouble.unwrap().to_string();
        assert!(trouble.contains(&format!("line 3, at byte {at}: ")) && trouble.contains(why), "{trouble}");
        assert_eq!(told.model.attempts().len(), 1);
    }
}

#[test]
fn random_bytes_are_refused_in_one_line() {
    let mut rng = StdRng::seed_from_u64(13);
    let whole = lines()[..20].concat();
    let packed = packed(&lines()[..20], 5);
    for round in 0..400 {
        let mut bytes = match round % 4 {
            0 => vec![0; rng.random_range(0..2_000)],
            1 => [&[0x28, 0xB5, 0x2F, 0xFD][..], &[0; 300]].concat(),
            2 => whole.clone(),
            _ => packed.clone(),
        };
        if round % 4 < 2 {
            let from = if round % 4 == 1 { 4 } else { 0 };
            rng.fill(&mut bytes[from..]);
        } else {
            for _ in 0..rng.random_range(1..20) {
                let at = rng.random_range(0..bytes.len());
                bytes[at] = rng.random();
            }
        }
        let file = Recorded::holding("random", &bytes);
        let said = match Told::read(&file.0, |_| true) {
            Ok(told) => told.trouble.map(|trouble| trouble.to_string()).unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        assert!(!said.contains('\n') && said.len() < 600, "{said}");
        assert!(round % 4 >= 2 || !said.is_empty());
    }
}
