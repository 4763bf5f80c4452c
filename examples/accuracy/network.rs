//! What is done to the network of a run: its nodes start, its faults begin and end.

use std::time::Duration;

use vigie::engine::api::Command;
use vigie::engine::verdict::Verdict;
use vigie::testkit::{HostId, interface, secs};

use super::kinds::{Makes, Place, Setup};
use super::run::Run;
use super::scenario::{Deed, Fault, Scenario};

/// Something that is done to the network.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Begins(usize),
    Ends(usize),
    Done(HostId, Deed),
}

impl Run<'_> {
    pub(super) fn start_nodes(&mut self) {
        for host in (0..self.scenario.hosts).map(HostId) {
            let setup = self.setup_at(host, Duration::ZERO);
            let name = self.name(host, setup);
            let id = self.lan.host_with(&[&address(host, setup)], |config| {
                config.name = name;
                if setup == Some(Setup::Group) {
                    config.group = "other".into();
                }
            });
            self.ids.insert(self.lan.hosts[id.0].config.id, id);
        }
    }

    fn name(&self, host: HostId, setup: Option<Setup>) -> String {
        let twin = self.scenario.faults.iter().find(|f| f.hosts[0] == host && is_of(f, Setup::Name));
        let named = twin.filter(|_| setup == Some(Setup::Name)).map_or(host, |fault| fault.hosts[1]);
        format!("h{}", named.0)
    }

    /// What is set otherwise at a host.
    fn setup_at(&self, host: HostId, at: Duration) -> Option<Setup> {
        let mut faults =
            self.scenario.faults.iter().filter(|fault| fault.hosts[0] == host && is_on(fault, at));
        faults.find_map(|fault| if let Makes::Setup(setup) = fault.kind.makes { Some(setup) } else { None })
    }

    pub(super) fn make_links(&mut self, at: Duration) {
        self.lan.heal();
        for fault in self.scenario.faults.iter().filter(|fault| is_on(fault, at)) {
            if let Makes::Links(make) = fault.kind.makes {
                make(&mut Place { lan: &mut self.lan, fault, hosts: self.scenario.hosts });
            }
        }
    }

    pub(super) fn change(&mut self, change: Change, at: Duration) {
        self.note(|| (at, format!("--- {change:?}")));
        match change {
            Change::Begins(nth) | Change::Ends(nth) => {
                let fault = &self.scenario.faults[nth];
                let begins = matches!(change, Change::Begins(_));
                match fault.kind.makes {
                    Makes::Links(_) => self.make_links(at),
                    Makes::Process(end) if begins => {
                        end(&mut self.lan, fault.hosts[0]);
                        // What a stopped process holds stays there.
                        if fault.kind.verdict != Verdict::HungPeer {
                            self.forget(fault.hosts[0]);
                        }
                    }
                    Makes::Process(_) if fault.kind.verdict == Verdict::HungPeer => {
                        self.lan.resume(fault.hosts[0]);
                    }
                    Makes::Process(_) => self.restart(fault.hosts[0], None),
                    Makes::Setup(Setup::Mask) => {
                        let setup = begins.then_some(Setup::Mask);
                        self.lan.set_interfaces(fault.hosts[0], &[&address(fault.hosts[0], setup)]);
                    }
                    Makes::Setup(setup) => self.restart(fault.hosts[0], begins.then_some(setup)),
                }
            }
            Change::Done(host, Deed::Quits) => {
                self.lan.quit(host);
                self.lan.run_for(secs(1));
                self.read_log();
                self.lan.kill(host);
                self.forget(host);
            }
            Change::Done(host, Deed::Restarts) => self.restart(host, None),
            Change::Done(host, Deed::DialsAll) => {
                self.lan.command(host, Command::DialAll);
            }
        }
    }

    fn restart(&mut self, host: HostId, setup: Option<Setup>) {
        self.forget(host);
        let name = self.name(host, setup);
        self.lan.hosts[host.0].interfaces = vec![interface(&address(host, setup))];
        self.lan.restart(host, |config| {
            config.incarnation.0 += 1;
            config.name = name;
            config.group = if setup == Some(Setup::Group) { "other" } else { "default" }.into();
        });
        self.ids.insert(self.lan.hosts[host.0].config.id, host);
    }
}

/// All that is done, the next last.
pub(super) fn changes(scenario: &Scenario) -> Vec<(Duration, Change)> {
    let mut changes = Vec::new();
    for (nth, fault) in scenario.faults.iter().enumerate() {
        if !fault.begins.is_zero() {
            changes.push((fault.begins, Change::Begins(nth)));
        }
        changes.extend(fault.ends.map(|ends| (ends, Change::Ends(nth))));
    }
    changes.extend(scenario.deeds.iter().map(|(at, host, deed)| (*at, Change::Done(*host, *deed))));
    changes.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    changes
}

fn is_on(fault: &Fault, at: Duration) -> bool {
    fault.begins <= at && fault.ends.is_none_or(|ends| at < ends)
}

fn is_of(fault: &Fault, setup: Setup) -> bool {
    matches!(fault.kind.makes, Makes::Setup(of) if of == setup)
}

/// The address of a host, of 250 at most.
fn address(host: HostId, setup: Option<Setup>) -> String {
    let nth = host.0 + 1;
    match setup {
        Some(Setup::Mask) => format!("10.0.0.{nth}/24"),
        Some(Setup::Network) => format!("10.9.0.{nth}/16"),
        _ => format!("10.0.0.{nth}/16"),
    }
}
