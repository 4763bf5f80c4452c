//! One page: a line a count, then the places.

use std::fmt::{self, Write as _};

use crate::counts::calls::Mutual;
use crate::counts::cycles::{self, Cycle, Edge};
use crate::counts::engine::EngineSize;
use crate::counts::fields::SharedFields;
use crate::counts::sizes::{LONG_FILE, LONG_FUNCTION, Sizes};
use crate::counts::{Place, types};
use crate::tree::Tree;

/// Places that are named of each count; the others are only counted.
const NAMED: usize = 12;
/// Characters of a line that names places.
const WIDTH: usize = 110;

/// The whole page.
pub(crate) fn write(tree: &Tree, page: &mut String) -> fmt::Result {
    let engine = EngineSize::of(tree);
    let mutual = Mutual::of(tree);
    let shared = SharedFields::of(tree);
    let sizes = Sizes::of(tree);
    let cycles = cycles::between_neighbours(tree);
    let parents = cycles::with_parents(tree);
    let twice = types::defined_twice(tree);
    let folder = tree.engine_folder().trim_start_matches("src/");

    writeln!(
        page,
        "{} files, {} lines without tests; the engine is in {folder}\n",
        sizes.files, sizes.lines
    )?;
    let in_engine = |places: &[Place]| places.iter().filter(|place| place.file.starts_with(folder)).count();
    let tangled = cycles.iter().map(|cycle| cycle.files.len()).sum::<usize>();
    let direct = cycles.iter().map(Cycle::direct).sum::<usize>();
    let mut line = |count: usize, what: &str, more: String| writeln!(page, "{count:>6}  {what}{more}");
    line(engine.fields, "fields of Engine", String::new())?;
    line(engine.all_methods(), "methods of Engine", format!(", in {} files", engine.methods.len()))?;
    let of_engine = format!(
        ", {} of them of the {} pairs of files with methods of Engine",
        mutual.both_of_engine(),
        mutual.pairs_of_engine
    );
    line(mutual.pairs.len(), "pairs of engine files that call each other both ways", of_engine)?;
    let restricted = format!(", {} of them in the engine", in_engine(&shared.restricted));
    line(shared.restricted.len(), "pub(super), pub(crate) or pub(in …) fields", restricted)?;
    let hidden = format!(", {} of them in the engine", in_engine(&shared.of_hidden_structs));
    line(shared.of_hidden_structs.len(), "pub fields of structs that are not pub", hidden)?;
    let share = 100.0 * ratio(sizes.long_functions.len(), sizes.functions);
    let functions = format!(", {share:.1} % of {}; median {} lines", sizes.functions, sizes.median_function);
    line(sizes.long_functions.len(), &format!("functions over {LONG_FUNCTION} lines"), functions)?;
    line(sizes.long_files.len(), &format!("files over {LONG_FILE} lines"), format!(" of {}", sizes.files))?;
    let tangled = format!(", in {} groups of {tangled} files", cycles.len());
    line(direct, "pairs of files that import each other", tangled)?;
    line(parents.len(), "children that use what their parent defines, which uses them", String::new())?;
    line(twice.len(), "type names defined twice", String::new())?;

    section(page, "Methods of Engine", engine.methods.iter().map(|(file, n)| format!("{file} {n}")))?;
    let pairs = mutual.pairs.iter().map(|pair| {
        let [there, back] = &pair.examples;
        format!(
            "{} ⇄ {} ({} → {}, {} → {})",
            pair.files[0], pair.files[1], there.caller, there.callee, back.caller, back.callee
        )
    });
    section(page, "Call each other", pairs)?;
    section(page, "Restricted fields", by_struct(&shared.restricted))?;
    section(page, "Pub fields of hidden structs", by_struct(&shared.of_hidden_structs))?;
    let long = sizes
        .long_functions
        .iter()
        .map(|(n, place)| format!("{n} {} ({}:{})", place.name, place.file, place.line));
    section(page, "Long functions", long)?;
    section(page, "Long files", sizes.long_files.iter().map(|(n, file)| format!("{n} {file}")))?;
    for (nth, cycle) in cycles.iter().enumerate() {
        section(
            page,
            &format!("Cycle {}: {}", nth + 1, cycle.files.join(" ")),
            cycle.edges.iter().map(edge),
        )?;
    }
    let both = parents.iter().map(|[down, up]| format!("{}, {}", edge(down), edge(up)));
    section(page, "Parents and children that use each other", both)?;
    section(page, "Defined twice", twice.iter().map(|(name, at)| format!("{name} ({})", at.join(", "))))
}

fn section(page: &mut String, title: &str, all: impl ExactSizeIterator<Item = String>) -> fmt::Result {
    let (count, mut width) = (all.len(), 0);
    if count == 0 {
        return Ok(());
    }
    write!(page, "\n{title}")?;
    for place in all.take(NAMED) {
        let long = place.chars().count();
        if width == 0 || width + long > WIDTH {
            write!(page, "\n    {place}")?;
            width = long;
        } else {
            write!(page, "; {place}")?;
            width += long + 2;
        }
    }
    if count > NAMED {
        write!(page, "\n    … and {} more", count - NAMED)?;
    }
    writeln!(page)
}

/// The structs with how many such fields each has, the worst first.
fn by_struct(places: &[Place]) -> impl ExactSizeIterator<Item = String> {
    let mut structs: Vec<(usize, String)> = Vec::new();
    for place in places {
        let owner = place.name.split('.').next().unwrap_or_default();
        let named = format!("{owner} ({})", place.file);
        match structs.iter_mut().find(|(_, name)| *name == named) {
            Some((count, _)) => *count += 1,
            None => structs.push((1, named)),
        }
    }
    structs.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    structs.into_iter().map(|(count, name)| format!("{count} {name}"))
}

fn edge(edge: &Edge) -> String {
    format!("{}:{} → {} ({})", edge.from, edge.line, edge.to, edge.path)
}

#[expect(clippy::cast_precision_loss, reason = "counts of functions are small")]
fn ratio(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}
