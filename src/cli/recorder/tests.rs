//! What is in the file, whatever happens to the node, to the file and to its disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::timeout;

use super::piece::Piece;
use super::tape::Tape;
use crate::cli::replay::Told;
use crate::engine::api::Command;
use crate::engine::event::{Event, Stamped};
use crate::engine::peers::{PeerState, Snapshot, Via};
use crate::testkit::{self, peer, row};

/// Far more than all of it takes.
const SOON: Duration = Duration::from_secs(20);

/// A folder of this test alone, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vigie-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn stamped(event: Event) -> Stamped {
    Stamped { at: testkit::t0(), wall: SystemTime::UNIX_EPOCH + Duration::from_hours(9), event }
}

fn discovered(nth: u64) -> Stamped {
    stamped(Event::PeerDiscovered { peer: peer(nth, &format!("host{nth}")), via: Via::Broadcast })
}

/// All peers, of whom there is one.
fn table() -> Stamped {
    let peers = vec![row(&peer(7, "host7"), PeerState::Up)];
    let node = Arc::new(testkit::node(1, "here"));
    stamped(Event::Snapshot(Arc::new(Snapshot { node, interfaces: Arc::new([]), peers })))
}

/// Records what the script has a node tell. The script is given the node's events, and what it is asked for.
async fn record(
    (path, most, room): (&Path, u64, usize),
    script: impl AsyncFnOnce(broadcast::Sender<Stamped>, mpsc::Receiver<Command>),
) -> std::io::Result<()> {
    let (events, first) = broadcast::channel(room);
    let (commands, asked) = mpsc::channel(8);
    let (end, ends) = oneshot::channel();
    let tape = Tape::new((path, Piece::begin(path)?, most), first, commands);
    let recording = tape.run(ends);
    tokio::pin!(recording);
    let all = async {
        tokio::select! {
            recorded = &mut recording => return recorded,
            () = script(events, asked) => {}
        }
        drop(end);
        recording.await
    };
    timeout(SOON, all).await.unwrap()
}

/// Waits until the node is asked how all peers are, and answers.
async fn answer(events: &broadcast::Sender<Stamped>, asked: &mut mpsc::Receiver<Command>) {
    while asked.recv().await != Some(Command::RequestSnapshot) {}
    events.send(table()).unwrap();
}

/// The kinds of the events in a file.
fn kinds(path: &Path) -> Vec<String> {
    let text = match std::fs::read(path).unwrap() {
        packed if path.extension().is_some_and(|ending| ending == "zst") => {
            String::from_utf8(zstd::decode_all(&*packed).unwrap()).unwrap()
        }
        plain => String::from_utf8(plain).unwrap(),
    };
    let kind = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["event"].as_str().unwrap().to_owned()
    };
    text.lines().map(kind).collect()
}

#[tokio::test]
async fn a_recording_begins_with_a_snapshot_and_has_every_event_to_its_end() {
    let folder = Folder::new("begins");
    for name in ["plain.ndjson", "packed.ndjson.zst"] {
        let path = folder.0.join(name);
        let recorded = record((&path, u64::MAX, 64), async |events, mut asked| {
            // What was before the first snapshot is in that.
            events.send(discovered(7)).unwrap();
            answer(&events, &mut asked).await;
            for nth in 8..12 {
                events.send(discovered(nth)).unwrap();
            }
        });
        recorded.await.unwrap();
        let all = kinds(&path);
        assert_eq!(all[0], "snapshot");
        assert_eq!(all[1..], ["peer_discovered"; 4]);
        let told = Told::read(&path, |_| true).unwrap();
        assert_eq!((told.model.len(), told.trouble), (5, None));
    }
}

#[tokio::test]
async fn a_node_that_starts_with_its_recording_is_recorded_from_its_first_event_on() {
    let folder = Folder::new("starts");
    let path = folder.0.join("a.ndjson");
    let recorded = record((&path, u64::MAX, 64), async |events, _asked| {
        let node = Arc::new(testkit::node(1, "here"));
        events.send(stamped(Event::Started { node, interfaces: Arc::new([]) })).unwrap();
        events.send(discovered(8)).unwrap();
    });
    recorded.await.unwrap();
    assert_eq!(kinds(&path), ["snapshot", "started", "peer_discovered"]);
}

#[tokio::test]
async fn a_recorder_that_is_too_slow_says_how_much_it_missed_and_then_how_all_is() {
    let folder = Folder::new("lags");
    let path = folder.0.join("a.ndjson");
    let recorded = record((&path, u64::MAX, 4), async |events, mut asked| {
        answer(&events, &mut asked).await;
        while !events.is_empty() {
            tokio::task::yield_now().await;
        }
        for nth in 8..20 {
            events.send(discovered(nth)).unwrap();
        }
        answer(&events, &mut asked).await;
    });
    recorded.await.unwrap();
    let all = kinds(&path);
    let expected = ["snapshot", "lagged"].into_iter().chain(["peer_discovered"; 4]).chain(["snapshot"]);
    assert_eq!(all, expected.collect::<Vec<_>>());
    assert!(std::fs::read_to_string(&path).unwrap().contains("\"missed\":8"));
}

#[tokio::test]
async fn a_file_that_is_full_is_put_aside_and_each_begins_with_a_snapshot() {
    let folder = Folder::new("turns");
    let path = folder.0.join("night.ndjson");
    std::fs::write(&path, "of another day\n").unwrap();
    let recorded = record((&path, 1, 64), async |events, mut asked| {
        answer(&events, &mut asked).await;
        events.send(discovered(8)).unwrap();
        // It is more than a byte by now.
        answer(&events, &mut asked).await;
        events.send(discovered(9)).unwrap();
    });
    recorded.await.unwrap();
    assert_eq!(folder.names(), ["night.1.ndjson", "night.2.ndjson", "night.ndjson"]);
    let [first, second] = ["night.2.ndjson", "night.ndjson"].map(|name| kinds(&folder.0.join(name)));
    assert_eq!([&first, &second], [&["snapshot", "peer_discovered"]; 2]);
    assert_eq!(std::fs::read_to_string(folder.0.join("night.1.ndjson")).unwrap(), "of another day\n");
}

#[tokio::test]
async fn every_second_all_is_where_a_reader_finds_it_and_a_torn_end_costs_only_what_came_after() {
    let folder = Folder::new("torn");
    let path = folder.0.join("a.ndjson.zst");
    let torn = folder.0.join("torn.ndjson.zst");
    let recorded = record((&path, u64::MAX, 64), async |events, mut asked| {
        answer(&events, &mut asked).await;
        events.send(discovered(8)).unwrap();
        // As a machine that loses its power leaves it.
        let is_there = async || {
            std::fs::copy(&path, &torn).unwrap();
            Told::read(&torn, |_| true).is_ok_and(|told| told.model.len() == 2)
        };
        while !is_there().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    recorded.await.unwrap();
    let told = Told::read(&torn, |_| true).unwrap();
    let trouble = told.trouble.unwrap().to_string();
    assert!(trouble.contains("line 3, at byte") && trouble.ends_with("it is cut off here"), "{trouble}");
    assert_eq!(Told::read(&path, |_| true).unwrap().trouble, None);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_ends_the_recording_with_its_reason() {
    let full = Path::new("/dev/full");
    let recorded = record((full, u64::MAX, 64), async |events, mut asked| {
        answer(&events, &mut asked).await;
        std::future::pending::<()>().await;
    });
    assert_eq!(recorded.await.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
}
