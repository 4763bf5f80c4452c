//! Nodes with a shared secret, as the real program: the file, and who hears whom.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::node::{Node, Ran, Stage, run_briefly};
use crate::support::seen::{becomes, kind};
use crate::support::{QUICK, SOON, free_port};
use serde_json::Value;

/// A folder of its own, which is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vigie-secret-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A file with these lines that only its user can read.
    fn secret(&self, name: &str, lines: &[&str]) -> String {
        let path = self.path(name);
        std::fs::write(&path, lines.join("\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// It was refused with this code, and one line that has these words.
#[track_caller]
fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (code, "", 1), "{}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{word:?} is missing in: {}", ran.err);
    }
}

#[test]
fn a_new_secret_is_its_users_alone_and_never_written_over_a_file() {
    let folder = Folder::new("new");
    let path = folder.path("secret");
    let made = run_briefly(&["secret", "new", &path]);
    assert_eq!((made.code, made.err.as_str()), (0, ""));
    assert!(made.out.contains(&path), "{}", made.out);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    refused(&run_briefly(&["secret", "new", &path]), 3, &[&path, "exists"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let printed = run_briefly(&["secret", "new"]);
    assert_eq!((printed.code, printed.out.len(), printed.err.as_str()), (0, 65, ""));
    assert!(!text.contains(printed.out.trim()), "each is another one");
    refused(&run_briefly(&["secret", "new", "/nowhere/secret"]), 3, &["/nowhere/secret"]);
    refused(&run_briefly(&["secret"]), 2, &["secret", "subcommand"]);
}

#[test]
fn a_secret_file_that_is_none_is_refused_before_anything_starts() {
    let folder = Folder::new("refused");
    let key = "a".repeat(64);
    let open = folder.secret("it's open", &[&key]);
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o640)).unwrap();
    let mend = format!("chmod 600 '{}'", open.replace('\'', r"'\''"));
    refused(&run_briefly(&["watch", "--secret-file", &open]), 2, &["0640", &mend]);
    let wrong = folder.secret("wrong", &["# mine", &key, "hidden"]);
    refused(&run_briefly(&["list", "--visit", "--secret-file", &wrong]), 2, &[&wrong, "line 3"]);
    refused(
        &run_briefly(&["dial", "127.0.0.1", "--secret-file", "/nowhere"]),
        2,
        &["--secret-file /nowhere"],
    );
    let mut by_variable = crate::support::node::vigie(&["watch"]);
    by_variable.env("VIGIE_SECRET_FILE", "/nowhere");
    let stage = Stage::new();
    refused(&stage.run(by_variable), 2, &["VIGIE_SECRET_FILE /nowhere"]);
}

const LONG: Duration = Duration::from_secs(20);

/// Nodes of one group and port, each on an address of its own.
struct Scene {
    stage: Stage,
    port: String,
}

impl Scene {
    fn addr(host: u8) -> String {
        format!("127.79.1.{host}")
    }

    fn node(&self, name: &str, host: u8, secret: Option<&str>) -> Node {
        self.stage.vigie(name, &self.args(&["watch", "--json", "--name", name], host, secret))
    }

    /// A command on an address of its own.
    fn run(&self, args: &[&str], host: u8, secret: Option<&str>) -> Ran {
        self.stage.vigie(args[0], &self.args(args, host, secret)).finish(LONG)
    }

    fn args<'a>(&'a self, args: &[&'a str], host: u8, secret: Option<&'a str>) -> Vec<&'a str> {
        // Leaked: a few bytes of a test.
        let addr: &str = Box::leak(Self::addr(host).into());
        let more = secret.map(|secret| ["--secret-file", secret]);
        let own = ["--bind", addr, "--port", &self.port];
        [args, &own, &QUICK[..], more.as_ref().map_or(&[], |more| &more[..])].concat()
    }
}

/// A finding that the secret of whoever is at this address differs.
fn differs(addr: &str) -> impl Fn(&Value) -> bool + '_ {
    move |event| {
        let at = event["peer"]["addr"].as_str().is_some_and(|told| told.starts_with(&format!("{addr}:")));
        kind("diagnosis")(event)
            && at
            && event["verdict"] == "wrong_secret"
            && event["confidence"] == "likely"
    }
}

#[test]
fn nodes_with_one_secret_meet_among_others_which_are_told_and_nobody_else_is_accused() {
    let folder = Folder::new("meet");
    let [one, two, other] = ["1", "2", "3"].map(|digit| digit.repeat(64));
    let old = folder.secret("old", &[&one, &two]);
    let new = folder.secret("new", &[&two, &one, "hide"]);
    let newest = folder.secret("newest", &[&two]);
    let another = folder.secret("another", &[&other]);
    let scene = Scene { stage: Stage::new(), port: free_port().to_string() };
    let a = scene.node("a", 1, Some(&old));
    let b = scene.node("b", 2, Some(&new));
    let c = scene.node("c", 3, Some(&another));
    let d = scene.node("d", 4, None);
    let open = scene.node("e", 5, None);
    for (node, peer) in [(&a, "b"), (&b, "a"), (&d, "e"), (&open, "d")] {
        node.wait_for(SOON, becomes(peer, "up"));
    }
    // Of b, which hides, nobody else knows.
    for (node, strangers) in [(&a, [3, 4, 5].as_slice()), (&b, &[3, 4, 5]), (&c, &[1, 4, 5]), (&d, &[1, 3])] {
        for stranger in strangers {
            node.wait_for(SOON, differs(&Scene::addr(*stranger)));
        }
    }

    let dial = |secret: Option<&str>, host: u8| -> Value {
        let to = format!("{}:{}", Scene::addr(host), scene.port);
        let dial = scene.run(&["dial", &to, "--json"], 9, secret);
        let end: Value = serde_json::from_str(dial.out.lines().last().unwrap()).unwrap();
        assert_eq!((dial.code == 0, &end["attempts"]), (end["ok"] == true, &1.into()), "{}", dial.out);
        end["cause"].clone()
    };
    assert_eq!(dial(Some(&newest), 1), Value::Null);
    assert_eq!(dial(Some(&another), 1), "wrong_secret");
    assert_eq!(dial(None, 1), "wrong_secret");
    assert_eq!(dial(Some(&old), 4), "wrong_secret");

    let check = ["check", "--visit", "--local", "--expect-peer", "a", "--expect-peer", "b"];
    let met = scene.run(&check, 9, Some(&new));
    assert_eq!((met.code, met.err.as_str()), (0, ""), "{}", met.out);
    let list = scene.run(&["list", "--visit", "--json", "--wait", "1s"], 9, Some(&another));
    let list: Value = serde_json::from_str(&list.out).unwrap();
    let names: Vec<_> = list["peers"].as_array().unwrap().iter().map(|peer| &peer["name"]).collect();
    assert_eq!(names, ["c"]);

    for node in [&a, &b, &c, &d, &open] {
        let accused =
            node.always().events(|event| kind("diagnosis")(event) && event["verdict"] != "wrong_secret");
        assert!(accused.is_empty(), "{accused:?}");
        assert_eq!(node.count(kind("dial_failed")), 0);
    }
}
