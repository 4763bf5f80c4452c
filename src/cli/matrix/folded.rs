//! The grid of networks, where that of their hosts has no room: a cell is about all pairs from the hosts of one to those of another.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::grid::{Counts, GridSigns, ReachGrid};
use crate::engine::network::Network;
use crate::text::{cell, cell_right, columns};

/// The legend and the grid; none where that has no room, either.
pub(super) fn draw(
    grid: &ReachGrid,
    networks: &[Network],
    signs: &GridSigns,
    width: Option<usize>,
) -> Option<String> {
    let mut hosts: BTreeMap<Network, Vec<usize>> = BTreeMap::new();
    for (host, network) in networks.iter().enumerate() {
        hosts.entry(*network).or_default().push(host);
    }
    let names: Vec<String> = hosts.iter().map(|(network, of)| format!("{network} ({})", of.len())).collect();
    let all: Vec<&[usize]> = hosts.values().map(Vec::as_slice).collect();
    let sums = |from: &[usize]| all.iter().map(|to| between(grid, from, to)).collect::<Vec<_>>();
    let rows: Vec<Vec<Counts>> = all.iter().map(|from| sums(from)).collect();
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|counts| words(*counts, signs)).collect()).collect();
    let widest =
        |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| columns(text)).max().unwrap_or(0);
    let (digits, name) = (names.len().to_string().len(), widest(&mut names.iter()));
    let wide = widest(&mut cells.iter().flatten()).max(digits);
    let before = digits + 1 + name + 2;
    let fits = width.is_none_or(|width| before + (wide + 2) * names.len() <= width + 2);
    fits.then(|| {
        let mut out = format!(
            "rows dial {} columns, by UDP and TCP: all hosts of a network\n{} all ok  {} failing  {} unknown\n\n",
            signs.arrow, signs.ok, signs.failing, signs.unknown
        );
        let heads: Vec<String> = (1..=names.len()).map(|nth| cell(&nth.to_string(), wide)).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}{}", " ".repeat(before), heads.join("  ").trim_end());
        for (nth, (name_of, row)) in names.iter().zip(&cells).enumerate() {
            let row: Vec<String> = row.iter().map(|text| cell(text, wide)).collect();
            let number = cell_right(&(nth + 1).to_string(), digits);
            let _ = writeln!(out, "{number} {}  {}", cell(name_of, name), row.join("  ").trim_end());
        }
        out
    })
}

/// The pairs from some hosts to others.
fn between(grid: &ReachGrid, from: &[usize], to: &[usize]) -> Counts {
    grid.counts(from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to))))
}

/// How the worst of them are, and how many are so.
fn words(counts: Counts, signs: &GridSigns) -> String {
    let Counts { failing, unknown, ok } = counts;
    let all = failing + unknown + ok;
    let (sign, worst) = match (failing, unknown) {
        _ if all == 0 => return signs.itself.to_owned(),
        (0, 0) => return signs.ok.to_owned(),
        (0, unknown) => (signs.unknown, unknown),
        (failing, _) => (signs.failing, failing),
    };
    if worst == all { format!("{sign} all {all}") } else { format!("{sign} {worst} of {all}") }
}
