//! The law of the parts: what a part of the engine, or a child of a module, must not know.

use crate::counts::cycles;
use crate::counts::engine::ENGINE;
use crate::tree::{MentionKind, SourceFile, Tree};
use crate::{hold, this_tree};

/// The one file of the engine that knows all of its parts.
const CONDUCTOR: &str = "engine/mod.rs";
/// Lines of it: more means that it has begun to decide things itself.
const CONDUCTOR_LINES: usize = 250;
/// What a `cfg` must not ask for in the engine: then it would be another one on another system.
const SYSTEMS: [&str; 5] = ["target_os", "target_family", "target_arch", "unix", "windows"];

#[test]
fn no_part_of_the_engine_names_the_engine() {
    let tree = this_tree();
    hold("a part never names Engine", naming(tree, |kind, name| is_path(kind) && name == ENGINE));
}

#[test]
fn the_conductor_is_a_few_pages() {
    let tree = this_tree();
    let long =
        parts_and_conductor(tree).filter(|file| file.name() == CONDUCTOR && file.lines > CONDUCTOR_LINES);
    hold("the conductor is short", long.map(|file| file.name().to_owned()));
}

#[test]
fn the_engine_is_the_same_on_every_system() {
    let tree = this_tree();
    let systems = |kind, name: &str| kind == MentionKind::Cfg && SYSTEMS.contains(&name);
    hold("the engine knows no system", naming(tree, systems));
}

/// Backticks mark a command in advice; in the engine they would be prose.
#[test]
fn the_engine_holds_no_shell_command() {
    let tree = this_tree();
    let commands = |kind, text: &str| kind == MentionKind::Literal && text.contains('`');
    hold("the engine holds no shell command", naming(tree, commands));
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

/// Files of the engine, but its conductor, that name something so.
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
    parts_and_conductor(tree)
        .filter(|file| file.name() != CONDUCTOR)
        .filter(names)
        .map(|file| file.name().to_owned())
        .collect()
}

fn parts_and_conductor(tree: &Tree) -> impl Iterator<Item = &SourceFile> {
    tree.engine().map(|(_, file)| file)
}

fn is_path(kind: MentionKind) -> bool {
    matches!(kind, MentionKind::Path | MentionKind::Call)
}
