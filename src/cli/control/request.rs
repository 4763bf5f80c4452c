//! What is asked by the control socket, and how it is answered: one JSON object a line.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cli::visitor::Printout;
use crate::engine::api::Command;
use crate::engine::config::Target;
use crate::record::row_of;

/// No node is waited for any longer.
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// The version of requests and answers.
const VERSION: u8 = 1;

/// Who knows what an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Source {
    /// A node that runs here all the time.
    Node,
    /// The command itself, which joined for a while.
    Visit,
}

/// What a program wants of the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(in crate::cli) enum Request {
    /// Its peers.
    List(ListQuestion),
    /// Whether peers are reachable both ways.
    Check(CheckQuestion),
    /// Who reaches whom.
    Matrix(MatrixQuestion),
    /// The peers with a name.
    Find {
        /// The name.
        name: String,
    },
    /// All peers as they are, and each event from then on.
    Follow,
    /// The same for an app: what is remembered of the time before, and then whole lines.
    Attach,
}

impl Request {
    /// Whether it is answered again at each change.
    pub(super) fn is_watched(&self) -> bool {
        matches!(
            self,
            Self::List(ListQuestion { watch: true, .. }) | Self::Check(CheckQuestion { watch: true, .. })
        )
    }

    /// How long a node must have run to answer at once: one that was started a moment ago knows nobody yet, and is given the time
    /// that a visit would take.
    pub(in crate::cli) fn wait(&self) -> Duration {
        match self {
            Self::List(ListQuestion { wait_ms, .. }) | Self::Matrix(MatrixQuestion { wait_ms, .. }) => {
                Duration::from_millis(*wait_ms).min(LONGEST_WAIT)
            }
            Self::Check(_) | Self::Find { .. } | Self::Follow | Self::Attach => Duration::ZERO,
        }
    }
}

/// What `vigie list` asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct ListQuestion {
    /// As a document.
    pub(in crate::cli) json: bool,
    /// How long a node must have run to answer at once, in milliseconds.
    pub(in crate::cli) wait_ms: u64,
    /// Nodes of this machine count, too.
    pub(in crate::cli) local: bool,
    /// Again at each change.
    pub(in crate::cli) watch: bool,
}

/// What `vigie check` asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct CheckQuestion {
    /// As a document.
    pub(in crate::cli) json: bool,
    /// Minimum number of peers.
    pub(in crate::cli) expect: Option<usize>,
    /// Names of peers.
    pub(in crate::cli) expect_peer: Vec<String>,
    /// Nodes of this machine count, too.
    pub(in crate::cli) local: bool,
    /// Again at each change; then nothing is waited for.
    pub(in crate::cli) watch: bool,
    /// How long to wait for them, in milliseconds.
    pub(in crate::cli) timeout_ms: u64,
}

impl Default for CheckQuestion {
    fn default() -> Self {
        Self {
            json: false,
            expect: None,
            expect_peer: Vec::new(),
            local: false,
            watch: false,
            timeout_ms: 10_000,
        }
    }
}

/// What `vigie matrix` asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct MatrixQuestion {
    /// As a document.
    pub(in crate::cli) json: bool,
    /// Columns of the terminal; none without a limit.
    pub(in crate::cli) width: Option<usize>,
    /// Signs of ASCII only.
    pub(in crate::cli) ascii: bool,
    /// Nodes of this machine count, too.
    pub(in crate::cli) local: bool,
    /// How long a node must have run to answer at once, in milliseconds.
    pub(in crate::cli) wait_ms: u64,
}

/// What a program that follows the node has it do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Order {
    /// Dial them now.
    Dial(Meant),
    /// Drop them from the table until they are heard again.
    Forget(Meant),
    DialAll,
    DialFailing,
    /// Dial a host that broadcasts cannot reach.
    Add {
        host: String,
    },
    /// Dial a member of another segment, and find the members that it knows.
    Join {
        host: String,
    },
    /// Tell all peers as they are.
    Snapshot,
    /// Tell who reaches whom.
    Matrix,
}

/// Which peers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Meant {
    /// Those with this name, id or address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) peer: String,
    /// The one in this row of the table, whatever it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) row: Option<u64>,
}

impl Order {
    /// What a command of the app is called here; none of one that is not for another program's node.
    pub(super) fn of(command: &Command) -> Option<Self> {
        let row = |key| Meant { row: Some(row_of(key)), ..Meant::default() };
        Some(match command {
            Command::DialNow(key) => Self::Dial(row(*key)),
            Command::Forget(key) => Self::Forget(row(*key)),
            Command::DialAll => Self::DialAll,
            Command::DialFailing => Self::DialFailing,
            Command::AddPeer(target) => Self::Add { host: target.to_string() },
            Command::Join(target) => Self::Join { host: target.to_string() },
            Command::RequestSnapshot => Self::Snapshot,
            Command::RequestMatrix => Self::Matrix,
            // The first is set where the node was started.
            Command::SetDialInterval(_) | Command::Stop(_) => return None,
        })
    }

    /// The host of [`Order::Add`] or [`Order::Join`].
    pub(super) fn target(host: &str) -> Result<Target, String> {
        host.parse().map_err(|error: crate::engine::config::TargetError| error.to_string())
    }
}

/// A time as questions give it.
pub(in crate::cli) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How a question is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Reply {
    /// The answer, as the command prints it.
    Answer {
        v: u8,
        /// The exit code.
        code: u8,
        /// All of standard output.
        out: String,
        /// One line on standard error.
        hint: Option<String>,
    },
    /// There is none.
    Refused {
        v: u8,
        /// Why, in one line.
        error: String,
    },
}

impl Reply {
    pub(super) fn refused(error: impl Into<String>) -> Self {
        Self::Refused { v: VERSION, error: error.into() }
    }
}

impl From<Printout> for Reply {
    fn from(Printout { code, out, hint }: Printout) -> Self {
        Self::Answer { v: VERSION, code, out, hint }
    }
}

/// As a line.
pub(super) fn line(what: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(what).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// A request as a line.
pub(super) fn request_line(request: &Request) -> Vec<u8> {
    #[derive(Serialize)]
    struct Line<'a> {
        v: u8,
        #[serde(flatten)]
        request: &'a Request,
    }
    line(&Line { v: VERSION, request })
}

fn this_version() -> u64 {
    VERSION.into()
}

/// What a line says, or in one line why it says nothing.
pub(super) fn read<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, String> {
    #[derive(Deserialize)]
    struct Version {
        #[serde(default = "this_version")]
        v: u64,
    }
    let Version { v } = serde_json::from_slice(line).map_err(|error| format!("no request: {error}"))?;
    if v != this_version() {
        return Err(format!("version {v} is not supported: this node has version {VERSION}"));
    }
    serde_json::from_slice(line).map_err(|error| format!("no request: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> Result<Request, String> {
        read(text.as_bytes())
    }

    #[test]
    fn a_request_is_what_its_line_says_and_what_it_does_not_say_has_a_default() {
        let check = CheckQuestion { expect: Some(3), timeout_ms: 500, ..CheckQuestion::default() };
        for request in [
            Request::List(ListQuestion { json: true, ..ListQuestion::default() }),
            Request::Check(check),
            Request::Matrix(MatrixQuestion { width: Some(80), ..MatrixQuestion::default() }),
            Request::Find { name: "host7".into() },
            Request::Follow,
            Request::Attach,
        ] {
            assert_eq!(read(&request_line(&request)), Ok(request));
        }
        assert_eq!(reads(r#"{"v":1,"do":"list","later":[1]}"#), Ok(Request::List(ListQuestion::default())));
        assert_eq!(reads(r#"{"do":"follow"}"#), Ok(Request::Follow));
    }

    #[test]
    fn what_is_no_request_is_refused_in_words() {
        for (text, words) in [
            ("", "no request"),
            ("list", "no request"),
            (r#"{"v":1}"#, "missing field `do`"),
            (r#"{"v":2,"do":"list"}"#, "version 2 is not supported"),
            (r#"{"v":1,"do":"reboot"}"#, "unknown variant `reboot`, expected one of `list`, `check`"),
            (r#"{"v":1,"do":"list","json":"very"}"#, "expected a boolean"),
        ] {
            let error = reads(text).unwrap_err();
            assert!(error.contains(words) && !error.contains('\n'), "{text}: {error}");
        }
    }
}
