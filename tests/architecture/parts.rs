//! The law of the parts: what a part of the engine, or a child of a module, must not know.

use crate::counts::cycles;
use crate::counts::engine::ENGINE;
use crate::tree::{MentionKind, SourceFile, Tree};
use crate::{hold, this_tree};

/// The files of the engine that know all of its parts: the conductor and the ways through it, one a kind of input.
const CONDUCTOR: &str = "engine/mod.rs";
const FLOW: [&str; 3] = ["engine/flow/", "engine/settle.rs", "engine/views.rs"];
/// Lines of the conductor: more means that it has begun to decide things itself.
const CONDUCTOR_LINES: usize = 250;
/// The parts, and the folder of each. Besides the flow only that folder names them.
const PARTS: [(&str, &str); 8] = [
    ("Announcer", "engine/presence/"),
    ("Dialer", "engine/dialing/"),
    ("Prober", "engine/probing/"),
    ("Tethers", "engine/tethers/"),
    ("Suspicions", "engine/tethers/"),
    ("OwnRow", "engine/gossip/"),
    ("RemoteRows", "engine/gossip/"),
    ("FindingTracker", "engine/diagnosis/"),
];
/// What a `cfg` must not ask for in the engine: then it would be another one on another system.
const SYSTEMS: [&str; 5] = ["target_os", "target_family", "target_arch", "unix", "windows"];

#[test]
fn no_part_of_the_engine_names_the_engine() {
    let named = naming(this_tree(), |kind, name| is_path(kind) && name == ENGINE);
    hold("a part never names Engine", named);
}

#[test]
fn no_part_of_the_engine_names_another_part() {
    let missing = PARTS.iter().filter(|(part, home)| !is_defined(part, home));
    let missing = missing.map(|(part, home)| format!("there is no {part} in {home}"));
    let elsewhere = PARTS.iter().flat_map(|(part, home)| {
        let files = naming(this_tree(), move |kind, name| is_path(kind) && name == *part);
        files
            .into_iter()
            .filter(move |file| !file.starts_with(home))
            .map(move |file| format!("{file} names {part}"))
    });
    hold("a part never names another part", missing.chain(elsewhere));
}

#[test]
fn the_conductor_is_a_few_pages() {
    let long = this_tree()
        .engine()
        .map(|(_, file)| file)
        .filter(|file| file.name() == CONDUCTOR && file.lines > CONDUCTOR_LINES);
    hold("the conductor is short", long.map(|file| file.name().to_owned()));
}

#[test]
fn the_engine_is_the_same_on_every_system() {
    let systems = |kind, name: &str| kind == MentionKind::Cfg && SYSTEMS.contains(&name);
    hold("the engine knows no system", naming(this_tree(), systems));
}

/// Backticks mark a command in advice; in the engine they would be prose.
#[test]
fn the_engine_holds_no_shell_command() {
    let commands = |kind, text: &str| kind == MentionKind::Literal && text.contains('`');
    hold("the engine holds no shell command", naming(this_tree(), commands));
}

#[test]
fn no_files_import_each_other() {
    let cycles = cycles::between_neighbours(this_tree());
    let edges =
        cycles.iter().flat_map(|cycle| &cycle.edges).map(|edge| format!("{} → {}", edge.from, edge.to));
    hold("no import cycles", edges);
}

/// What a parent shares with its children stands in a file of its own, so that each way there is one direction.
#[test]
fn no_child_uses_what_a_parent_defines_that_uses_the_child() {
    let pairs = cycles::with_parents(this_tree());
    hold(
        "children use no parent that uses them",
        pairs.into_iter().map(|[_, up]| format!("{} → {}", up.from, up.to)),
    );
}

/// Files of the engine, but the conductor and its flow, that name something so.
fn naming(tree: &Tree, wanted: impl Fn(MentionKind, &str) -> bool) -> Vec<String> {
    let names = |file: &&SourceFile| {
        let modules = || file.modules.iter();
        let mentioned =
            modules().flat_map(|m| &m.mentions).flat_map(|m| m.segments.iter().map(|name| (m.kind, name)));
        let used = modules()
            .flat_map(|m| &m.uses)
            .flat_map(|used| &used.segments)
            .map(|name| (MentionKind::Path, name));
        mentioned.chain(used).any(|(kind, name)| wanted(kind, name))
    };
    let parts = tree.engine().map(|(_, file)| file).filter(|file| !knows_all_parts(file.name()));
    parts.filter(names).map(|file| file.name().to_owned()).collect()
}

fn knows_all_parts(file: &str) -> bool {
    file == CONDUCTOR || FLOW.iter().any(|flow| file.starts_with(flow))
}

fn is_defined(name: &str, folder: &str) -> bool {
    let files = this_tree().files.iter().filter(|file| file.name().starts_with(folder));
    files
        .flat_map(|file| &file.modules)
        .flat_map(|m| &m.definitions)
        .any(|definition| definition.name == name)
}

fn is_path(kind: MentionKind) -> bool {
    matches!(kind, MentionKind::Path | MentionKind::Call)
}
