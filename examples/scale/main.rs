//! What one node costs among many: `make scale` plays networks of growing size in memory and writes docs/scale.md.

mod measure;
mod page;
mod plot;

use std::fs;

use anyhow::{Context as _, Result};
use clap::Parser;

use measure::Figures;

/// Nodes of each network.
const SIZES: [usize; 4] = [10, 30, 100, 300];

#[derive(Parser)]
struct Args {
    /// Plays this size alone, and prints it.
    #[arg(long)]
    only: Option<usize>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(nodes) = args.only {
        println!("{:#?}", Figures::of(nodes));
        return Ok(());
    }
    let figures: Vec<Figures> = SIZES
        .into_iter()
        .map(|nodes| {
            let figures = Figures::of(nodes);
            println!("{}", page::row(&figures));
            figures
        })
        .collect();
    for plot in plot::all() {
        write(&format!("assets/{}", plot.file), &plot.draw(&figures))?;
    }
    write("docs/scale.md", &page::page(&figures))
}

fn write(path: &str, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {path}: run this in the checkout"))
}
