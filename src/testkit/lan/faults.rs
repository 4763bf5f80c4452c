//! What can go wrong: processes that end, hang or come back, interfaces that change, links that fail.

use std::time::Duration;

use rand::RngExt as _;

use crate::engine::api::Input;
use crate::engine::cause::Cause;
use crate::engine::config::Config;

use super::host::{Call, Conn, Process, Starved};
use super::link::{Link, Tcp};
use super::schedule::Arrival;
use super::{HostId, Lan};
use crate::testkit::{failure, interface};

/// A process that goes on needs so long for each thing that waited: what it answers comes in order for the most part, as on a real link.
const HANDLED_WITHIN: Duration = Duration::from_micros(20);

impl Lan {
    /// kill -9: the machine goes on.
    pub fn kill(&mut self, host: HostId) {
        self.end_process(host, Process::Killed);
    }

    /// The machine is switched off.
    pub fn switch_off(&mut self, host: HostId) {
        self.end_process(host, Process::Off);
    }

    fn end_process(&mut self, id: HostId, process: Process) {
        for Conn { dialer, life, call, .. } in self.hosts[id.0].end_process(process) {
            if process == Process::Off {
                // Nobody is there who could say that it ends.
                continue;
            }
            let latency = self.latency(id, dialer);
            let reset = failure(Cause::Reset);
            let what = match call {
                Call::Dial { dial, .. } => Arrival::DialEnded { dial, result: Err(reset) },
                Call::Tether(tether) => Arrival::TetherAnswered { tether, result: Err(reset) },
            };
            self.schedule(latency, dialer, Some(life), what);
        }
        self.by_other_chance(|lan| lan.cut_tethers(id, process == Process::Killed));
    }

    /// A new process on the same host; its id and incarnation are the caller's choice.
    pub fn restart(&mut self, id: HostId, change: impl FnOnce(&mut Config)) {
        if self.hosts[id.0].runs() {
            self.kill(id);
        }
        let seed: u64 = self.rng.random();
        let host = &mut self.hosts[id.0];
        host.config.seed[16..24].copy_from_slice(&seed.to_le_bytes());
        change(&mut host.config);
        host.start_process();
        self.tell_interfaces(id);
    }

    /// SIGSTOP: no input comes in, and what arrives waits.
    pub fn pause(&mut self, id: HostId) {
        let host = &mut self.hosts[id.0];
        (host.process, host.starved) = (Process::Paused, None);
    }

    /// SIGCONT: all that waited comes in, one after the other.
    pub fn resume(&mut self, id: HostId) {
        let waiting = self.hosts[id.0].resume();
        let life = self.hosts[id.0].life;
        for (arrival, nth) in waiting.into_iter().zip(0..) {
            if matches!(arrival, Arrival::Tick) {
                self.arrive(id, arrival);
            } else {
                self.schedule(HANDLED_WITHIN * nth, id, Some(life), arrival);
            }
        }
    }

    /// A process that is stopped for so long and goes on for so long, again and again: its machine answers connections all the time.
    pub fn starve(&mut self, id: HostId, stopped: Duration, going: Duration) {
        let host = &mut self.hosts[id.0];
        host.starved = Some(Starved { stopped, going, turn_at: self.now });
        self.schedule(Duration::ZERO, id, None, Arrival::Turn);
    }

    /// A starved process stops or goes on.
    pub(super) fn turn(&mut self, id: HostId) {
        let now = self.now;
        let host = &mut self.hosts[id.0];
        let Some(starved) = host.starved.as_mut().filter(|starved| starved.turn_at == now) else { return };
        let stops = host.process == Process::Runs;
        let after = if stops { starved.stopped } else { starved.going };
        starved.turn_at = now + after;
        if stops {
            host.process = Process::Paused;
        } else {
            self.resume(id);
        }
        self.schedule(after, id, None, Arrival::Turn);
    }

    /// Gives a host other interfaces, and tells its node.
    pub fn set_interfaces(&mut self, id: HostId, nets: &[&str]) {
        self.hosts[id.0].interfaces = nets.iter().map(|net| interface(net)).collect();
        self.tell_interfaces(id);
    }

    pub(super) fn tell_interfaces(&mut self, id: HostId) {
        let interfaces = self.hosts[id.0].interfaces.clone();
        self.tell(id, Input::Interfaces(interfaces));
    }

    /// Changes the link in both directions.
    pub fn between(&mut self, a: HostId, b: HostId, change: impl Fn(&mut Link)) {
        self.towards(a, b, &change);
        self.towards(b, a, &change);
    }

    /// Changes the link in one direction.
    pub fn towards(&mut self, from: HostId, to: HostId, change: impl FnOnce(&mut Link)) {
        change(self.links.entry((from, to)).or_insert(self.link));
    }

    /// What is connected to this address ends so from now on, by whatever link; none: as its link has it.
    pub fn connections_to(&mut self, ip: &str, tcp: Option<Tcp>) {
        let ip = ip.parse().expect("an address");
        match tcp {
            Some(tcp) => drop(self.by_address.insert(ip, tcp)),
            None => drop(self.by_address.remove(&ip)),
        }
    }

    /// Whether datagrams from and to this address pass from now on, by whatever link.
    pub fn udp_at(&mut self, ip: &str, passes: bool) {
        let ip = ip.parse().expect("an address");
        let _ = if passes { self.without_udp.remove(&ip) } else { self.without_udp.insert(ip) };
    }

    /// Cuts all links between the two sides.
    pub fn partition(&mut self, one: &[HostId], other: &[HostId]) {
        for &a in one {
            for &b in other {
                self.between(a, b, |link| {
                    link.udp = false;
                    link.tcp = Tcp::Dropped;
                });
            }
        }
    }

    /// Makes all links alike again.
    pub fn heal(&mut self) {
        self.links.clear();
    }

    /// Makes everything right again: all links are alike, and on each host a process runs.
    pub fn mend(&mut self) {
        self.heal();
        for id in (0..self.hosts.len()).map(HostId) {
            self.hosts[id.0].starved = None;
            match self.hosts[id.0].process {
                Process::Runs => {}
                Process::Paused => self.resume(id),
                Process::Killed | Process::Off => self.restart(id, |config| config.incarnation.0 += 1),
            }
        }
    }
}
