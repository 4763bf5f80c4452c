//! A script of faults: a line each, with when, who, what, and how long. The same script gives the same incident each time.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use std::{fs, io::Read as _};

use super::names;
use super::schedule::{Act, Fault, FaultStep};
use crate::text::nearest;

/// Bytes of a script: some two thousand lines.
const MAX_BYTES: u64 = 64 << 10;
/// Latest moment of a script, and longest fault.
const LATEST: Duration = Duration::from_hours(24);
/// How long a restart takes, where the script does not say.
const RESTART: Duration = Duration::from_secs(1);
/// Ends what was begun without an end.
const RECOVERS: &str = "recovers";
/// What a line is to be like.
const EXAMPLE: &str = "a line like `5s printer refuses for 20s` is expected";

/// Reads a script for so many peers.
///
/// # Errors
/// One line that names the file and the line.
pub(super) fn read(path: &Path, peers: u8) -> Result<Vec<FaultStep>, String> {
    let cannot =
        |error: &dyn std::fmt::Display| format!("cannot read the script {}: {error}", path.display());
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| cannot(&error))?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| cannot(&error))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(cannot(&format_args!("it has more than {} KiB", MAX_BYTES >> 10)));
    }
    parse(&text, peers).map_err(|(line, what)| format!("{}:{line}: {what}", path.display()))
}

/// A step, and the line that it comes from.
type Line = (FaultStep, usize);

/// The steps of a script in the order of time. An error comes with its line, from 1.
fn parse(text: &str, peers: u8) -> Result<Vec<FaultStep>, (usize, String)> {
    let mut begun: Vec<Line> = Vec::new();
    let mut ends: Vec<Line> = Vec::new();
    let mut recoveries: Vec<(Duration, u8, usize)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let words: Vec<&str> = line.split('#').next().unwrap_or("").split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        let said = said(&words, peers).map_err(|what| (number, what))?;
        let Some(fault) = said.fault else {
            recoveries.push((said.at, said.peer, number));
            continue;
        };
        begun.push((FaultStep { at: said.at, peer: said.peer, act: Act::Begin(fault) }, number));
        let lasts = said.lasts.or_else(|| (fault == Fault::Restarts).then_some(RESTART));
        ends.extend(
            lasts.map(|lasts| {
                (FaultStep { at: said.at + lasts, peer: said.peer, act: Act::End(fault) }, number)
            }),
        );
    }
    in_order(begun, ends, &recoveries)
}

/// Puts what begins and ends in the order of time, and refuses a fault on top of another, and a recovery of one that is well.
fn in_order(
    begun: Vec<Line>,
    ends: Vec<Line>,
    recoveries: &[(Duration, u8, usize)],
) -> Result<Vec<FaultStep>, (usize, String)> {
    let mut moments: Vec<(Duration, u8, usize, Option<Act>)> = ends
        .into_iter()
        .chain(begun)
        .map(|(step, line)| (step.at, step.peer, line, Some(step.act)))
        .collect();
    moments.extend(recoveries.iter().map(|(at, peer, line)| (*at, *peer, *line, None)));
    // Of what happens at one moment, ends come before beginnings.
    moments.sort_by_key(|(at, _, line, act)| (*at, matches!(act, Some(Act::Begin(_))), *line));
    let mut faulty: BTreeMap<u8, (Fault, usize)> = BTreeMap::new();
    let mut steps = Vec::new();
    for (at, peer, line, act) in moments {
        let name = || names::name(peer);
        let act = match act {
            Some(Act::Begin(fault)) => {
                if let Some((_, since)) = faulty.insert(peer, (fault, line)) {
                    return Err((line, format!("{} still has the fault of line {since} then", name())));
                }
                Act::Begin(fault)
            }
            // It has recovered before.
            Some(Act::End(fault)) if faulty.get(&peer) != Some(&(fault, line)) => continue,
            Some(Act::End(_)) | None => match faulty.remove(&peer) {
                Some((fault, _)) => Act::End(fault),
                None => return Err((line, format!("{} has no fault then", name()))),
            },
        };
        steps.push(FaultStep { at, peer, act });
    }
    Ok(steps)
}

/// What a line says.
struct Said {
    at: Duration,
    peer: u8,
    /// None: it recovers.
    fault: Option<Fault>,
    lasts: Option<Duration>,
}

fn said(words: &[&str], peers: u8) -> Result<Said, String> {
    let (at, peer, what, lasts) = match *words {
        [at, peer, ref what @ .., "for", lasts] => (at, peer, what, Some(lasts)),
        [at, peer, ref what @ ..] => (at, peer, what, None),
        _ => return Err(EXAMPLE.to_owned()),
    };
    if what.is_empty() {
        return Err(EXAMPLE.to_owned());
    }
    let what = what.join(" ");
    let at = duration(at)?;
    let known: Vec<String> = (0..peers).map(names::name).collect();
    let number = known.iter().position(|name| name == peer).and_then(|number| u8::try_from(number).ok());
    let Some(peer) = number else {
        let nearest = nearest(peer, known.iter().map(String::as_str));
        return Err(format!("no peer of this demo is called {peer}{nearest}"));
    };
    let fault = Fault::ALL.into_iter().find(|fault| word(*fault) == what);
    if fault.is_none() && what != RECOVERS {
        let known = Fault::ALL.into_iter().map(word).chain([RECOVERS]);
        return Err(format!("unknown fault {what}{}", nearest(&what, known)));
    }
    if fault.is_some_and(|fault| !fault.is_possible()) {
        return Err(format!("{what}: a demo can have dials get no answer on Linux only"));
    }
    if fault.is_none() && lasts.is_some() {
        return Err(format!("{RECOVERS} takes no duration"));
    }
    Ok(Said { at, peer, fault, lasts: lasts.map(duration).transpose()? })
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).ok().filter(|duration| *duration <= LATEST);
    duration
        .ok_or_else(|| format!("invalid time '{text}': a duration up to 24h is expected, like 5s or 1m30s"))
}

/// As a script has it.
fn word(fault: Fault) -> &'static str {
    match fault {
        Fault::Refuses => "refuses",
        Fault::Hangs => "hangs",
        Fault::Loses => "loses",
        Fault::Restarts => "restarts",
        Fault::Leaves => "leaves",
        Fault::Dies => "dies",
        Fault::Moves => "moves",
        Fault::Drops => "drops",
        Fault::Disconnects => "disconnects",
        Fault::MissesBroadcasts => "misses broadcasts",
        Fault::WrongNetmask => "has a wrong netmask",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<(u64, u8, Act)> {
        parse(text, 12).unwrap().into_iter().map(|step| (step.at.as_secs(), step.peer, step.act)).collect()
    }

    #[test]
    fn a_script_is_read_in_the_order_of_time() {
        use Act::{Begin, End};
        let text = "# an incident\n\n10s nas dies for 20s  # until 30 s\n5s printer refuses\n30s nas hangs for 1m\n20s printer recovers\n2s robot-1 restarts\n";
        let expected = [
            (2, 2, Begin(Fault::Restarts)),
            (3, 2, End(Fault::Restarts)),
            (5, 0, Begin(Fault::Refuses)),
            (10, 1, Begin(Fault::Dies)),
            (20, 0, End(Fault::Refuses)),
            (30, 1, End(Fault::Dies)),
            (30, 1, Begin(Fault::Hangs)),
            (90, 1, End(Fault::Hangs)),
        ];
        assert_eq!(steps(text), expected);
        assert!(steps("").is_empty() && steps("# nothing\n").is_empty());
        assert_eq!(
            steps("1s nas hangs for 9s\n3s nas recovers\n5s nas dies").len(),
            3,
            "an end that is over"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, line, said) in [
            ("5s printer", 1, EXAMPLE),
            ("\n5s printer for 20s", 2, EXAMPLE),
            (
                "5s printer refuses until 20s",
                1,
                "unknown fault refuses until 20s; the nearest name is refuses",
            ),
            (
                "5s printer misses broadcast",
                1,
                "unknown fault misses broadcast; the nearest name is misses broadcasts",
            ),
            (
                "soon printer refuses",
                1,
                "invalid time 'soon': a duration up to 24h is expected, like 5s or 1m30s",
            ),
            (
                "25h printer refuses",
                1,
                "invalid time '25h': a duration up to 24h is expected, like 5s or 1m30s",
            ),
            ("5s printr refuses", 1, "no peer of this demo is called printr; the nearest name is printer"),
            ("5s lathe refuses", 1, "no peer of this demo is called lathe; the nearest name is laptop-ben"),
            ("5s nas refuse", 1, "unknown fault refuse; the nearest name is refuses"),
            ("5s nas recovers for 2s", 1, "recovers takes no duration"),
            ("5s nas recovers", 1, "nas has no fault then"),
            ("5s nas dies\n6s nas hangs", 2, "nas still has the fault of line 1 then"),
        ] {
            assert_eq!(parse(text, 12), Err((line, said.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_or_is_too_long_is_one_line() {
        let missing = read(Path::new("/nonexistent/script"), 12).unwrap_err();
        assert!(missing.starts_with("cannot read the script /nonexistent/script:"), "{missing}");
        let path = std::env::temp_dir().join(format!("vigie-script-{}", std::process::id()));
        fs::write(&path, "#".repeat(70_000)).unwrap();
        assert!(read(&path, 12).unwrap_err().ends_with("it has more than 64 KiB"));
        fs::write(&path, "x").unwrap();
        assert_eq!(read(&path, 12).unwrap_err(), format!("{}:1: {EXAMPLE}", path.display()));
        fs::remove_file(path).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_script_of_the_assets_is_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.script");
        assert!(!read(&path, 8).unwrap().is_empty());
    }
}
