//! What a service does at SIGHUP: it reads its configuration again, takes what can change while it runs, and says what cannot.

use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::engine::api::Command;

use super::args::NodeArgs;
use super::config;
use super::parsing::{Parsed, Sources, parse};

/// Options that a running node takes, each as far as [`Reload`] says.
const LOG: &str = "log";
const PEER: &str = "peer";
const JOIN: &str = "join";

/// The configuration that counts now, and where changes go.
pub(super) struct Reload<F> {
    now: Mutex<(NodeArgs, Vec<Setting>)>,
    set_filter: F,
    commands: mpsc::Sender<Command>,
}

/// An option of a node or of `vigie watch`, with its value in words.
type Setting = (String, String);

impl<F: Fn(&NodeArgs)> Reload<F> {
    pub(super) fn new(
        node: &NodeArgs,
        sources: &Sources,
        set_filter: F,
        commands: mpsc::Sender<Command>,
    ) -> Self {
        Self { now: Mutex::new((node.clone(), settings(sources))), set_filter, commands }
    }

    /// Reads it again. A broken one changes nothing.
    pub(super) fn reload(&self) {
        let usual = config::place();
        match parse(std::env::args_os(), std::env::vars_os(), usual.as_deref()) {
            Ok(Parsed { cli, sources, .. }) => self.take(&cli.node, settings(&sources)),
            Err(error) => {
                tracing::error!(
                    "the configuration stays as it was, because the new one is wrong: {}",
                    error.in_one_line()
                );
            }
        }
    }

    fn take(&self, node: &NodeArgs, settings: Vec<Setting>) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let (old_node, old) = &*now;
        let changed: Vec<&Setting> = settings.iter().filter(|setting| !old.contains(setting)).collect();
        let gone = old_node.peer.iter().any(|peer| !node.peer.contains(peer))
            || old_node.join.iter().any(|host| !node.join.contains(host));
        for (option, value) in &changed {
            if option == LOG {
                tracing::info!("configuration read again: {option} is now {value}");
            } else if option != PEER && option != JOIN {
                tracing::warn!("configuration read again: {option} = {value} counts after a restart");
            }
        }
        (self.set_filter)(node);
        for peer in node.peer.iter().filter(|peer| !old_node.peer.contains(peer)) {
            self.tell(Command::AddPeer(peer.clone()), &format!("added the peer {peer}"));
        }
        for host in node.join.iter().filter(|host| !old_node.join.contains(host)) {
            self.tell(Command::Join(host.clone()), &format!("joined the network of {host}"));
        }
        if gone {
            tracing::warn!(
                "configuration read again: peers that are no longer named are dialed until a restart"
            );
        }
        if changed.is_empty() {
            tracing::info!("configuration read again: nothing has changed");
        }
        *now = (node.clone(), settings);
    }

    fn tell(&self, command: Command, what: &str) {
        if self.commands.try_send(command).is_ok() {
            tracing::info!("configuration read again: {what}");
        } else {
            tracing::warn!(
                "configuration read again: the node is busy, so it has not {what} before a restart"
            );
        }
    }
}

/// What a service goes by.
fn settings(sources: &Sources) -> Vec<Setting> {
    let effective = sources.effective();
    let own = effective.iter().filter(|option| option.command.is_none_or(|command| command == "watch"));
    own.map(|option| (option.arg.get_long().unwrap_or_default().to_owned(), option.shown())).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ffi::OsString;

    use super::*;
    use crate::engine::config::Target;

    fn parsed(arguments: &[&str]) -> Parsed {
        parse(["vigie"].iter().chain(arguments).map(OsString::from), [], None).unwrap()
    }

    #[test]
    fn the_log_filter_and_new_peers_are_taken_and_nothing_is_said_of_what_stayed() {
        let (commands, mut asked) = mpsc::channel(4);
        let filters = Cell::new(0);
        let before = parsed(&["--peer", "a", "watch"]);
        let set_filter = |_: &NodeArgs| filters.set(filters.get() + 1);
        let reload = Reload::new(&before.cli.node, &before.sources, set_filter, commands);
        let take = |arguments: &[&str]| {
            let after = parsed(arguments);
            reload.take(&after.cli.node, settings(&after.sources));
        };
        take(&["--peer", "a", "--peer", "b", "--log", "debug", "watch"]);
        take(&["--peer", "a", "--peer", "b", "--log", "debug", "watch"]);
        let b: Target = "b".parse().unwrap();
        assert!(matches!(asked.try_recv(), Ok(Command::AddPeer(target)) if target == b));
        assert!(asked.try_recv().is_err());
        assert_eq!(filters.get(), 2);
    }
}
