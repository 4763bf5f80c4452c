//! A network of hosts on one machine, made of network namespaces, with faults to order. Needs no privilege: the
//! test runs itself again inside its own user, mount, process and network namespaces.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::node::{Node, Ran, Stage, clean, program};
use super::{SOON, poll};

/// Set for a test that runs inside its lab; its value is the test's name.
const INSIDE: &str = "LAB_INSIDE";
/// Which of a test's labs this is, if it has several.
const PART: &str = "LAB_PART";
/// No scenario takes longer.
const LIMIT: Duration = Duration::from_secs(100);
/// What makes the namespaces. The mapped root of the user namespace may do in them what root may.
const UNSHARE: [&str; 6] = ["-Urnmu", "--pid", "--fork", "--kill-child", "--mount-proc", "--"];

/// Runs a scenario among `hosts` hosts on one link: 10.77.0.1/24, 10.77.0.2/24 and so on.
///
/// Where the machine cannot make namespaces the test says so and passes; with `CI` in the environment it fails.
///
/// They have no IPv6: their faults are of IPv4, and would be healed by the other family.
#[track_caller]
pub(crate) fn within<F: FnOnce(&Lab)>(hosts: u8, scenario: F) {
    in_namespaces::<F>(|| scenario(&Lab::on_one_link(hosts, Families::Ipv4)));
}

/// The same with hosts of these families, whose addresses are ready to be used.
#[track_caller]
pub(crate) fn within_families<F: FnOnce(&Lab)>(families: Families, hosts: u8, scenario: F) {
    in_namespaces::<F>(|| scenario(&Lab::on_one_link(hosts, families)));
}

/// By which protocols the hosts of a lab speak.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Families {
    Ipv4,
    /// With link-local addresses only.
    Ipv6,
    Both,
}

/// Runs a scenario once for each of `parts`, each in a lab of its own, as [`within`] does; `at_once` of them at a time. What
/// each printed, in order; nothing inside of a lab, and where there can be none.
#[track_caller]
pub(crate) fn within_each<F: Fn(&Lab, usize)>(
    families: Families,
    hosts: u8,
    parts: usize,
    at_once: usize,
    scenario: F,
) -> Option<Vec<Ran>> {
    let test = test_of::<F>();
    if is_inside(test) {
        let part = std::env::var(PART).ok().and_then(|part| part.parse().ok()).expect("which part this is");
        scenario(&Lab::on_one_link(hosts, families), part);
        return None;
    }
    if is_impossible(test) {
        return None;
    }
    let next = AtomicUsize::new(0);
    let worker = || {
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|part| *part < parts);
        std::iter::from_fn(take).map(|part| (part, run_inside(test, Some(part)))).collect::<Vec<_>>()
    };
    let mut ran: Vec<(usize, Ran)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no lab takes so long")).collect()
    });
    ran.sort_by_key(|(part, _)| *part);
    Some(ran.into_iter().map(|(_, ran)| ran).collect())
}

/// Runs a scenario among two hosts, 10.77.1.2/24 and 10.77.2.2/24, with a router, the third host, between them.
#[track_caller]
pub(crate) fn within_routed<F: FnOnce(&Lab)>(scenario: F) {
    in_namespaces::<F>(|| scenario(&Lab::routed()));
}

/// Runs a scenario among so many segments of so many hosts each, 10.81.0.1/16, 10.81.0.2/16 and so on, then 10.82.0.1/16, numbered in that
/// order; the last host is the router between them.
#[track_caller]
pub(crate) fn within_segments<F: FnOnce(&Lab)>(segments: u8, hosts: u8, scenario: F) {
    in_namespaces::<F>(|| scenario(&Lab::segments(segments, hosts)));
}

#[track_caller]
fn in_namespaces<F>(scenario: impl FnOnce()) {
    let test = test_of::<F>();
    if is_inside(test) {
        return scenario();
    }
    if is_impossible(test) {
        return;
    }
    let ran = run_inside(test, None);
    assert!(has_passed(&ran), "{test} failed in its namespaces:\n{}\n{}", ran.out, ran.err);
}

/// The name of the test whose own closure `F` is: not of a helper.
fn test_of<F>() -> &'static str {
    let path = std::any::type_name::<F>().trim_end_matches("::{{closure}}");
    path.split_once("::").map_or(path, |(_, test)| test)
}

fn is_inside(test: &str) -> bool {
    std::env::var(INSIDE).is_ok_and(|inside| inside == test)
}

#[track_caller]
fn is_impossible(test: &str) -> bool {
    let Some(missing) = missing() else { return false };
    assert!(std::env::var_os("CI").is_none(), "{missing}");
    println!("SKIPPED {test}: {missing}");
    true
}

/// Runs this test again, inside.
fn run_inside(test: &str, part: Option<usize>) -> Ran {
    let exe = std::env::current_exe().expect("a test knows its program");
    let mut command = unshare(&exe);
    command
        .args(["--exact", test, "--nocapture", "--include-ignored"])
        .env(INSIDE, test)
        .env("RUST_BACKTRACE", "0");
    if let Some(part) = part {
        command.env(PART, part.to_string());
    }
    Stage::new().spawn("inside", command).finish(LIMIT)
}

/// What runs a program, whose arguments are to follow, inside of namespaces of its own.
pub(crate) fn unshare(exe: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(UNSHARE).arg(exe);
    command
}

/// Whether the test inside has passed.
pub(crate) fn has_passed(ran: &Ran) -> bool {
    ran.code == 0 && ran.out.contains("1 passed")
}

/// Why labs are impossible here, if they are, with the Debian packages that would help.
pub(crate) fn missing() -> Option<&'static str> {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    MISSING
        .get_or_init(|| {
            let works = |program: &str, args: &[&str]| {
                let quiet = |c: &mut Command| c.stdout(Stdio::null()).stderr(Stdio::null()).status();
                quiet(Command::new(program).args(args)).is_ok_and(|status| status.success())
            };
            let packages: Vec<_> = [
                ("unshare", "--version", "util-linux"),
                ("nsenter", "--version", "util-linux"),
                ("ip", "-Version", "iproute2"),
                ("nft", "--version", "nftables"),
            ]
            .into_iter()
            .filter(|(program, version, _)| !works(program, &[version]))
            .map(|(program, _, package)| format!("{program} (Debian package {package})"))
            .collect();
            if !packages.is_empty() {
                return Some(format!("missing programs: {}", packages.join(", ")));
            }
            let probe = "mount -t tmpfs tmpfs /run && ip netns add probe && ip link add br0 type bridge && nft list ruleset";
            let args = [&UNSHARE[..], &["sh", "-c", probe]].concat();
            (!works("unshare", &args)).then(|| {
                "user namespaces are not permitted (sysctl kernel.unprivileged_userns_clone=1, \
                 kernel.apparmor_restrict_unprivileged_userns=0), or the kernel lacks bridge, veth or nf_tables"
                    .to_owned()
            })
        })
        .as_deref()
}

/// The hosts of one test. They vanish with the test's process, and all that runs on them.
pub(crate) struct Lab {
    pub(crate) stage: Stage,
    addrs: Vec<String>,
}

impl Lab {
    /// To be made inside of its own namespaces only: see [`unshare`].
    pub(crate) fn on_one_link(hosts: impl Into<u16>, families: Families) -> Self {
        let hosts = hosts.into();
        let prefix = if hosts < 255 { 24 } else { 16 };
        let addrs: Vec<_> = (1..=hosts).map(|n| format!("10.77.{}.{}", n / 255, n % 255)).collect();
        let mut root = String::from("link add br0 type bridge\nlink set br0 up\nlink set lo up\n");
        for n in 1..=hosts {
            let _ = write!(
                root,
                "netns add h{n}\nlink add v{n} type veth peer name eth0 netns h{n}\nlink set v{n} master br0 up\n"
            );
        }
        Self::build(&root, addrs, families, |_, addr| {
            let address = match families {
                Families::Ipv6 => String::new(),
                Families::Ipv4 | Families::Both => format!("addr add {addr}/{prefix} brd + dev eth0\n"),
            };
            address + "link set eth0 up\n"
        })
    }

    fn routed() -> Self {
        let mut root = String::new();
        for n in 1..=3 {
            let _ = writeln!(root, "netns add h{n}");
        }
        for n in 1..=2 {
            let _ = writeln!(root, "link add eth0 netns h{n} type veth peer name leg{n} netns h3");
        }
        let addrs = vec!["10.77.1.2".into(), "10.77.2.2".into(), "10.77.1.1".into()];
        let lab = Self::build(&root, addrs, Families::Ipv4, |n, addr| match n {
            3 => (1..=2).fold(String::new(), |legs, n| {
                legs + &format!("addr add 10.77.{n}.1/24 brd + dev leg{n}\nlink set leg{n} up\n")
            }),
            n => format!(
                "addr add {addr}/24 brd + dev eth0\nlink set eth0 up\nroute add default via 10.77.{n}.1\n"
            ),
        });
        lab.host(3).run(&["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
        lab
    }

    fn segments(segments: u8, hosts: u8) -> Self {
        let router = segments * hosts + 1;
        let mut root = format!("netns add h{router}\n");
        let mut addrs = Vec::new();
        for segment in 1..=segments {
            let _ = write!(
                root,
                "link add br{segment} type bridge\nlink set br{segment} up\n\
                 link add u{segment} type veth peer name leg{segment} netns h{router}\n\
                 link set u{segment} master br{segment} up\n"
            );
            for host in 1..=hosts {
                addrs.push(format!("10.{}.0.{host}", 80 + segment));
                let n = addrs.len();
                let _ = write!(
                    root,
                    "netns add h{n}\nlink add v{n} type veth peer name eth0 netns h{n}\n\
                     link set v{n} master br{segment} up\n"
                );
            }
        }
        addrs.push("10.81.0.254".into());
        let lab = Self::build(&root, addrs, Families::Ipv4, |n, addr| {
            if n == usize::from(router) {
                let leg =
                    |n: u8| format!("addr add 10.{}.0.254/16 brd + dev leg{n}\nlink set leg{n} up\n", 80 + n);
                return (1..=segments).map(leg).collect();
            }
            let gateway = format!("{}.254", addr.rsplit_once('.').expect("an address has dots").0);
            format!("addr add {addr}/16 brd + dev eth0\nlink set eth0 up\nroute add default via {gateway}\n")
        });
        lab.host(router.into()).run(&["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
        lab
    }

    fn build(
        root: &str,
        addrs: Vec<String>,
        families: Families,
        setup: impl Fn(usize, &str) -> String,
    ) -> Self {
        feed(Command::new("mount").args(["-t", "tmpfs", "tmpfs", "/run"]), "");
        feed(Command::new("ip").args(["-batch", "-"]), root);
        let lab = Self { stage: Stage::new(), addrs };
        for n in 1..=lab.addrs.len() {
            if families == Families::Ipv4 {
                lab.host(n).disable_ipv6();
            }
            feed(
                lab.host(n).command("ip").args(["-batch", "-"]),
                &("link set lo up\n".to_owned() + &setup(n, lab.host(n).addr())),
            );
        }
        for n in 1..=lab.addrs.len() {
            lab.host(n).wait_for_links();
            if families != Families::Ipv4 {
                lab.host(n).link_local();
            }
        }
        lab
    }

    /// The `n`th host, from 1.
    pub(crate) fn host(&self, n: usize) -> Host<'_> {
        assert!((1..=self.addrs.len()).contains(&n), "there is no host {n}");
        Host { lab: self, n }
    }
}

/// What host names all hosts of this lab know from now on, as in `hosts(5)`.
pub(crate) fn set_names(hosts: &str) {
    let file = "/run/hosts";
    let is_new = !std::path::Path::new(file).exists();
    std::fs::write(file, format!("127.0.0.1 localhost\n{hosts}\n")).expect("/run is the lab's own");
    if is_new {
        feed(Command::new("mount").args(["--bind", file, "/etc/hosts"]), "");
    }
}

/// The machine of all hosts of this lab is called so from now on.
pub(crate) fn rename_machine(name: &str) {
    feed(Command::new("hostname").arg(name), "");
}

/// One host of a lab.
#[derive(Clone, Copy)]
pub(crate) struct Host<'l> {
    lab: &'l Lab,
    n: usize,
}

impl Host<'_> {
    /// The name its nodes get: h1, h2 …
    pub(crate) fn name(&self) -> String {
        format!("h{}", self.n)
    }

    /// The address it was given at the start.
    pub(crate) fn addr(&self) -> &str {
        &self.lab.addrs[self.n - 1]
    }

    /// Starts `vigie` here under the host's name.
    #[track_caller]
    pub(crate) fn vigie(&self, args: &[&str]) -> Node {
        self.vigie_named(&self.name(), args)
    }

    /// Starts `vigie` here under another name.
    #[track_caller]
    pub(crate) fn vigie_named(&self, name: &str, args: &[&str]) -> Node {
        self.start(program(), name, args)
    }

    /// Starts a `vigie` of one's own choice here under another name.
    #[track_caller]
    pub(crate) fn start(&self, program: &str, name: &str, args: &[&str]) -> Node {
        let mut command = self.command(program);
        clean(&mut command);
        command.args(args).args(["--name", name]);
        self.lab.stage.spawn(name, command)
    }

    /// Starts `vigie` here under the name of the machine.
    #[track_caller]
    pub(crate) fn vigie_as_its_machine(&self, args: &[&str]) -> Node {
        let mut command = self.command(program());
        clean(&mut command);
        command.args(args);
        self.lab.stage.spawn(&self.name(), command)
    }

    /// A program to be run here.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.namespace())).arg("--").arg(program);
        command
    }

    /// Runs a program here to its end; it must succeed.
    #[track_caller]
    pub(crate) fn run(&self, line: &[&str]) {
        feed(self.command(line[0]).args(&line[1..]), "");
    }

    /// Calls a function in a thread that is on this host.
    pub(crate) fn inside<T: Send>(&self, call: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(self.namespace()).expect("the host exists");
        let body = || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("the lab's root may enter its hosts");
            call()
        };
        std::thread::scope(|scope| scope.spawn(body).join()).unwrap_or_else(|p| std::panic::resume_unwind(p))
    }

    /// Waits until the kernel has noticed that the host's links are up, which it does up to a second later when
    /// many links change on the machine; until then what is sent is lost.
    fn wait_for_links(&self) {
        let up = |command: &mut Command| {
            let output = command.args(["-br", "link", "show"]).output().expect("ip runs");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let port = format!("v{}@", self.n);
            let mut links = text.lines().map(|l| l.split_whitespace().take(2).collect::<Vec<_>>());
            links.all(|link| match link[..] {
                [name, state] => {
                    let ours = ["eth", "leg", "br0", &port].iter().any(|start| name.starts_with(start));
                    !ours || state == "UP"
                }
                _ => true,
            })
        };
        let settled = || (up(&mut self.command("ip")) && up(&mut Command::new("ip"))).then_some(());
        assert!(poll(SOON, settled).is_some(), "the links of {} do not come up", self.name());
    }

    /// Its first link is taken away and made again: under the same name, with another number.
    pub(crate) fn make_link_again(&self) {
        let (n, namespace) = (self.n, self.name());
        let link = format!(
            "link del v{n}\nlink add v{n} type veth peer name eth0 netns {namespace}\nlink set v{n} master br0 up\n"
        );
        feed(Command::new("ip").args(["-batch", "-"]), &link);
        self.link_up();
    }

    /// Its kernel speaks IPv6 no longer, if it ever did.
    pub(crate) fn disable_ipv6(&self) {
        let all = "for f in /proc/sys/net/ipv6/conf/{all,default}/disable_ipv6; do test ! -e $f || echo 1 > $f; done";
        self.run(&["bash", "-c", all]);
    }

    /// Its link-local address on its first link, once it can be used.
    pub(crate) fn link_local(&self) -> String {
        let ready = || {
            let show = ["-6", "-o", "addr", "show", "dev", "eth0", "scope", "link", "-tentative"];
            let output = self.command("ip").args(show).output().expect("ip runs");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let address = text.split_whitespace().skip_while(|word| *word != "inet6").nth(1)?;
            Some(address.split('/').next()?.to_owned())
        };
        poll(SOON, ready).unwrap_or_else(|| panic!("{} has no link-local address", self.name()))
    }

    /// The hardware address of its first link.
    pub(crate) fn hardware(&self) -> String {
        let output =
            self.command("ip").args(["-br", "link", "show", "dev", "eth0"]).output().expect("ip runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_whitespace().nth(2).expect("it has a hardware address").to_owned()
    }

    fn namespace(&self) -> String {
        format!("/run/netns/h{}", self.n)
    }

    /// Its own interface goes down: address kept, routes gone.
    pub(crate) fn link_down(&self) {
        self.run(&["ip", "link", "set", "eth0", "down"]);
    }

    pub(crate) fn link_up(&self) {
        self.run(&["ip", "link", "set", "eth0", "up"]);
        self.wait_for_links();
    }

    /// Pulls its cable: the carrier is lost.
    pub(crate) fn unplug(&self) {
        feed(Command::new("ip").args(["link", "set", &format!("v{}", self.n), "down"]), "");
    }

    pub(crate) fn plug(&self) {
        feed(Command::new("ip").args(["link", "set", &format!("v{}", self.n), "up"]), "");
        self.wait_for_links();
    }

    /// Puts it on a link of its own: it keeps its carrier and reaches nobody.
    pub(crate) fn isolate(&self) {
        feed(Command::new("ip").args(["link", "set", &format!("v{}", self.n), "nomaster"]), "");
    }

    pub(crate) fn rejoin(&self) {
        feed(Command::new("ip").args(["link", "set", &format!("v{}", self.n), "master", "br0"]), "");
        self.wait_for_links();
    }

    /// An access point passes on nothing between it and others that are kept apart like this (client isolation).
    pub(crate) fn keep_apart(&self, apart: bool) {
        let (port, isolated) = (format!("v{}", self.n), if apart { "on" } else { "off" });
        feed(
            Command::new("ip").args(["link", "set", &port, "type", "bridge_slave", "isolated", isolated]),
            "",
        );
    }

    /// Puts it on a second link, with the others that were put there.
    pub(crate) fn join_second_link(&self) {
        let there = Command::new("ip").args(["link", "show", "br1"]).output().expect("ip runs").status;
        if !there.success() {
            feed(Command::new("ip").args(["-batch", "-"]), "link add br1 type bridge\nlink set br1 up\n");
        }
        feed(Command::new("ip").args(["link", "set", &format!("v{}", self.n), "master", "br1"]), "");
        self.wait_for_links();
    }

    /// Gets one more interface, with an address, on a link of its own: a bridge of this name, with the others that were put
    /// there.
    pub(crate) fn add_interface(&self, name: &str, bridge: &str, address: &str) {
        let there = Command::new("ip").args(["link", "show", bridge]).output().expect("ip runs").status;
        let made = if there.success() {
            String::new()
        } else {
            format!("link add {bridge} type bridge\nlink set {bridge} up\n")
        };
        let port = format!("{name}v{}", self.n);
        let namespace = self.name();
        let link = format!(
            "link add {port} type veth peer name {name} netns {namespace}\nlink set {port} master {bridge} up\n"
        );
        feed(Command::new("ip").args(["-batch", "-"]), &(made + &link));
        let broadcast = if address.contains(':') { "nodad" } else { "brd +" };
        let own = format!("addr add {address} {broadcast} dev {name}\nlink set {name} up\n");
        feed(self.command("ip").args(["-batch", "-"]), &own);
        self.wait_for_links();
    }

    /// The largest packet, in bytes, that its switch port passes, without a word to anybody about larger ones.
    pub(crate) fn port_mtu(&self, mtu: u16) {
        feed(Command::new("ip").args(["link", "set", &format!("v{}", self.n), "mtu", &mtu.to_string()]), "");
    }

    /// Forgets the link addresses of its neighbours, so that the next dial asks for them at once: a known
    /// neighbour that is gone is only missed after some seconds of silence.
    pub(crate) fn forget_neighbours(&self) {
        self.run(&["ip", "neigh", "flush", "all"]);
    }

    /// `10.77.0.2` becomes, say, `10.77.0.22/24`.
    pub(crate) fn change_address(&self, to: &str) {
        let to = format!("addr flush dev eth0 scope global\naddr add {to} brd + dev eth0\n");
        feed(self.command("ip").args(["-batch", "-"]), &to);
    }

    /// Adds firewall rules, in the words of `nft`.
    #[track_caller]
    pub(crate) fn nft(&self, ruleset: &str) {
        feed(self.command("nft").args(["-f", "-"]), ruleset);
    }

    /// Adds one rule for what comes in.
    #[track_caller]
    pub(crate) fn nft_in(&self, rule: &str) {
        self.nft(&format!("table ip lab {{ chain in {{ type filter hook input priority 0; {rule}; }}; }}"));
    }

    /// Adds one rule for what this host itself sends.
    #[track_caller]
    pub(crate) fn nft_out(&self, rule: &str) {
        self.nft(&format!("table ip lab {{ chain out {{ type filter hook output priority 0; {rule}; }}; }}"));
    }

    /// Connections to it vanish.
    pub(crate) fn drop_tcp_in(&self) {
        self.nft_in("tcp flags & (syn|ack) == syn drop");
    }

    /// Connections to it are answered so: `tcp reset`, `icmp type host-unreachable` …
    pub(crate) fn reject_tcp_in(&self, with: &str) {
        self.nft_in(&format!("tcp flags & (syn|ack) == syn reject with {with}"));
    }

    /// Takes all rules away.
    pub(crate) fn heal(&self) {
        self.nft("flush ruleset");
    }

    /// A route of this kind (`unreachable`, `prohibit`, `blackhole`) to one address.
    pub(crate) fn bad_route(&self, kind: &str, to: &str) {
        self.run(&["ip", "route", "add", kind, to]);
    }

    pub(crate) fn heal_route(&self, kind: &str, to: &str) {
        self.run(&["ip", "route", "del", kind, to]);
    }
}

/// Runs a tool with this input; it must succeed.
#[track_caller]
pub(crate) fn feed(command: &mut Command, input: &str) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?} cannot start: {e}"));
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("the tool reads its input");
    let output = child.wait_with_output().expect("a child can be waited for");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} with {input:?} failed: {said}");
}
