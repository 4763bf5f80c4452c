//! Which folder may use which.

use crate::tree::Tree;
use crate::{complaint, hold, this_tree};

/// A folder, and all of the crate that it may use besides itself.
struct Layer {
    rule: &'static str,
    folder: &'static str,
    uses: &'static [&'static str],
}

const LAYERS: [Layer; 8] = [
    Layer { rule: "proto uses nothing of the crate", folder: "proto/", uses: &[] },
    Layer { rule: "secret uses nothing of the crate", folder: "secret/", uses: &[] },
    Layer { rule: "the engine uses proto and secret only", folder: "engine/", uses: &["proto/", "secret/"] },
    Layer { rule: "text uses engine and proto only", folder: "text/", uses: &["engine/", "proto/"] },
    Layer {
        rule: "record uses engine, proto and text only",
        folder: "record/",
        uses: &["engine/", "proto/", "text/"],
    },
    Layer {
        rule: "net uses engine, proto and secret only",
        folder: "net/",
        uses: &["engine/", "proto/", "secret/"],
    },
    Layer {
        rule: "app uses engine, proto, text and record only",
        folder: "app/",
        uses: &["engine/", "proto/", "text/", "record/"],
    },
    Layer {
        rule: "doctor uses engine, proto and text only",
        folder: "doctor/",
        uses: &["engine/", "proto/", "text/"],
    },
];

/// What would be a clock, a socket, a file, a task or another global within the engine.
const OUTSIDE: [&str; 21] = [
    "tokio",
    "futures",
    "socket2",
    "libc",
    "nix",
    "rustix",
    "tracing",
    "log",
    "std::env",
    "std::fs",
    "std::io",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "rand::rng",
    "rand::random",
];

#[test]
fn every_layer_uses_only_those_below_it() {
    let tree = this_tree();
    let complaints: Vec<_> =
        LAYERS.iter().filter_map(|layer| complaint(layer.rule, uses_beyond(tree, layer))).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn engine_proto_and_secret_touch_no_clock_no_socket_no_file_and_no_task() {
    let tree = this_tree();
    let pure = |from: usize| {
        ["engine/", "proto/", "secret/"].iter().any(|folder| tree.files[from].name().starts_with(folder))
    };
    let outside =
        tree.imports.iter().filter(|import| pure(import.from) && import.to.is_none()).filter_map(|import| {
            let touched = OUTSIDE.iter().find(|name| is_within(&import.path, name))?;
            Some(format!("{} uses {touched}", tree.files[import.from].name()))
        });
    hold("engine, proto and secret touch nothing outside", outside);
}

#[test]
fn a_layer_that_uses_one_above_it_is_found() {
    let files = [
        ("src/lib.rs", "pub mod net; pub mod proto; pub mod app;"),
        ("src/net.rs", "pub struct Node;"),
        ("src/proto/mod.rs", "mod map; pub fn f() { let _ = crate::net::Node; }"),
        ("src/proto/map.rs", "#[cfg(test)] mod tests { use crate::net::Node; }"),
        ("src/app/mod.rs", "pub use crate::net;"),
    ];
    let tree = Tree::of(&files.map(|(path, text)| (path.into(), text.into())).into()).unwrap();
    assert_eq!(uses_beyond(&tree, &LAYERS[0]), ["proto/mod.rs uses net.rs"]);
    assert_eq!(uses_beyond(&tree, &LAYERS[6]), ["app/mod.rs uses net.rs"], "one that only hands on as well");
}

fn uses_beyond(tree: &Tree, layer: &Layer) -> Vec<String> {
    let name = |number: usize| tree.files[number].name();
    let allowed = |to: usize| {
        std::iter::once(&layer.folder).chain(layer.uses).any(|folder| name(to).starts_with(folder))
    };
    let mut beyond: Vec<_> = tree
        .imports
        .iter()
        .filter(|import| name(import.from).starts_with(layer.folder))
        .filter_map(|import| Some((import.from, import.to?)))
        .filter(|(_, to)| !allowed(*to))
        .map(|(from, to)| format!("{} uses {}", name(from), name(to)))
        .collect();
    if !(0..tree.files.len()).any(|number| name(number).starts_with(layer.folder)) {
        beyond.push(format!("there is no {}", layer.folder));
    }
    beyond.sort();
    beyond.dedup();
    beyond
}

/// `std::fs` and `std::fs::read`, not `std::fsx`.
fn is_within(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
