//! The counters count: on a small tree with one of each fault.

use crate::counts::calls::{Call, Mutual};
use crate::counts::cycles;
use crate::counts::engine::EngineSize;
use crate::counts::fields::SharedFields;
use crate::counts::sizes::{LONG_FILE, LONG_FUNCTION, Sizes};
use crate::counts::types;
use crate::tree::Tree;

const LIB: &str = "
    pub mod engine;
    mod view;
    #[cfg(test)]
    mod kit;
";
const ENGINE: &str = "
    mod dialing;
    mod table;
    pub use table::Peer;
    pub struct Engine {
        a: u8,
        b: Peer,
        #[cfg(test)]
        c: u8,
    }
    impl Engine {
        pub fn handle(&mut self) { self.dial(); }
        #[cfg(test)]
        fn for_tests(&self) { self.dial() }
        #[cfg(any(test, debug_assertions))]
        fn check(&self) {}
    }
    impl Default for Engine { fn default() -> Self { todo!() } }
";
const DIALING: &str = "
    use super::Engine;
    use super::table::Peer;
    pub(super) struct Dial { pub(crate) at: u8, pub to: u8, own: u8 }
    impl Engine {
        pub(super) fn dial(&mut self) { assert!(self.discover()); Peer::default(); self.insert(); }
    }
";
const TABLE: &str = "
    use crate::engine::Engine;
    use super::Peer as Itself;
    #[derive(Default)]
    pub struct Peer(pub(in crate::engine) u8);
    impl Engine {
        fn discover(&mut self) -> bool { self.dial(); true }
    }
    #[cfg(test)]
    mod tests { struct Peer; struct Peer; }
";
const VIEW: &str = "
    pub mod left;
    pub mod right;
    pub(crate) struct Canvas;
    pub fn draw() { left::draw(&Canvas); }
";
const LEFT: &str = "
    use super::Canvas;
    use super::right::Side;
    pub enum Dial { Off }
    pub(crate) fn draw(_: &Canvas) { let _: Side; fn insert() {} }
";
const RIGHT: &str = "
    #[cfg(unix)]
    struct Wire;
    #[cfg(windows)]
    struct Wire;
    pub trait Side { fn side(&self) { super::left::draw(todo!()) } }
";

fn tree(files: &[(&str, &str)]) -> Tree {
    Tree::of(&files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()).unwrap()
}

fn small() -> Tree {
    tree(&[
        ("src/lib.rs", LIB),
        ("src/kit.rs", "this is not even parsed"),
        ("src/engine/mod.rs", ENGINE),
        ("src/engine/dialing.rs", DIALING),
        ("src/engine/table.rs", TABLE),
        ("src/view/mod.rs", VIEW),
        ("src/view/left.rs", LEFT),
        ("src/view/right.rs", RIGHT),
    ])
}

#[test]
fn fields_and_methods_of_the_engine_are_counted_without_those_of_tests_and_traits() {
    let size = EngineSize::of(&small());
    let methods = [("engine/dialing.rs", 1), ("engine/mod.rs", 2), ("engine/table.rs", 1)];
    assert_eq!(size.fields, 2);
    assert_eq!(size.methods, methods.map(|(file, count)| (file.to_owned(), count)).into());
    assert_eq!(size.all_methods(), 4);
}

#[test]
fn files_that_call_each_other_are_found_even_within_macros() {
    let mutual = Mutual::of(&small());
    assert_eq!((mutual.pairs.len(), mutual.both_of_engine(), mutual.pairs_of_engine), (1, 1, 3));
    let call = |caller: &str, callee: &str| Call { caller: caller.to_owned(), callee: callee.to_owned() };
    assert_eq!(mutual.pairs[0].files, ["engine/dialing.rs", "engine/table.rs"]);
    assert_eq!(
        mutual.pairs[0].examples,
        [call("Engine::dial", "Engine::discover"), call("Engine::discover", "Engine::dial")]
    );
}

#[test]
fn restricted_fields_are_found_and_those_that_only_look_public() {
    let shared = SharedFields::of(&small());
    let names = |places: &[crate::counts::Place]| places.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&shared.restricted), ["Dial.at", "Peer.0"]);
    assert_eq!(names(&shared.of_hidden_structs), ["Dial.to"]);
    assert_eq!((shared.restricted[0].file.as_str(), shared.restricted[0].line), ("engine/dialing.rs", 4));
}

#[test]
fn neighbours_and_parents_that_import_each_other_are_told_apart() {
    let small = small();
    let cycles = cycles::between_neighbours(&small);
    assert_eq!(cycles.len(), 1);
    assert_eq!(
        (cycles[0].files.as_slice(), cycles[0].direct()),
        (["view/left.rs", "view/right.rs"].map(String::from).as_slice(), 1)
    );
    let parents = cycles::with_parents(&small);
    let pairs: Vec<_> =
        parents.iter().map(|[down, up]| (down.to.as_str(), up.path.as_str(), up.line)).collect();
    // The engine only hands on what its table defines and uses it: the table names nothing that the engine does not define.
    assert_eq!(
        pairs,
        [("engine/table.rs", "crate::engine::Engine", 2), ("view/left.rs", "super::Canvas", 2)]
    );
}

#[test]
fn a_cycle_around_a_corner_is_found_and_a_name_that_is_handed_on_is_none() {
    let around = tree(&[
        ("src/lib.rs", "mod a; mod b; mod c; mod d;"),
        ("src/a.rs", "use crate::b::B; pub struct A(B);"),
        ("src/b.rs", "use crate::c::C; pub struct B(C);"),
        ("src/c.rs", "pub struct C; pub fn f() { let _: crate::a::A; }"),
        ("src/d.rs", "pub use crate::a::A; use crate::c::f;"),
    ]);
    let cycles = cycles::between_neighbours(&around);
    assert_eq!(cycles.iter().map(|cycle| cycle.files.join(" ")).collect::<Vec<_>>(), ["a.rs b.rs c.rs"]);
    assert_eq!(cycles[0].direct(), 0);
}

#[test]
fn types_of_one_name_are_found_and_those_of_tests_and_of_two_systems_are_not() {
    let twice = types::defined_twice(&small());
    let places = ["engine/dialing.rs:4", "view/left.rs:4"].map(String::from).to_vec();
    assert_eq!(twice, [("Dial".to_owned(), places)].into());
}

#[test]
fn long_functions_and_files_are_measured_without_their_tests() {
    let line = "    f();\n";
    let long = format!("fn long() {{\n{}}}\n", line.repeat(LONG_FUNCTION - 1));
    let short = format!("fn short() {{\n{}}}\n", line.repeat(LONG_FUNCTION - 2));
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// nothing\n".repeat(LONG_FILE));
    let sizes = |text: &str| Sizes::of(&tree(&[("src/lib.rs", text)]));

    let both = sizes(&format!("{short}{long}fn one() {{}}\n{tests}"));
    assert_eq!((both.functions, both.median_function, both.files), (3, LONG_FUNCTION, 1));
    assert_eq!(both.lines, 2 * LONG_FUNCTION + 2);
    let (lines, place) = &both.long_functions[0];
    assert_eq!((both.long_functions.len(), *lines, place.name.as_str()), (1, LONG_FUNCTION + 1, "long"));
    assert_eq!(both.long_files, []);

    let many = sizes(&format!("{}{tests}", "const _: u8 = 0;\n".repeat(LONG_FILE + 1)));
    assert_eq!(many.long_files, [(LONG_FILE + 1, "lib.rs".to_owned())]);
}
