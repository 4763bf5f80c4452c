//! Draws the README's pictures: the real program, among real nodes with real faults, in a pseudo-terminal.
//!
//! `make screenshots` runs it. The program to show is `target/release/vigie`, or the first argument, or
//! `$VIGIE_SCREENSHOTS`; the second argument is the folder to write to, `assets` by default. Everything happens on
//! loopback addresses, within [`scene::PATIENCE`], and whatever was started is ended by its process id.

mod cells;
mod fingerprint;
mod hour;
mod network;
mod recording;
mod scene;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use vigie::app::export::svg;

use crate::scene::Scene;

fn main() -> Result<()> {
    let mut args = env::args_os().skip(1);
    let program = args.next().or_else(|| env::var_os("VIGIE_SCREENSHOTS"));
    let program = program.map_or_else(|| PathBuf::from("target/release/vigie"), PathBuf::from);
    let whole = program.canonicalize();
    let program =
        whole.with_context(|| format!("{} is not there: run `make screenshots`", program.display()))?;
    let folder = args.next().map_or_else(|| PathBuf::from("assets"), PathBuf::from);

    let mut scene = Scene::start(&program)?;
    let recording = scene.record();
    scene.provoke()?;
    let pictures = [
        ("screenshot.svg", scene.main()?),
        ("animation.svg", svg::animate(&recording.end(), scene::FRAME, "vigie")),
        ("screenshot-details.svg", scene.details()?),
        ("screenshot-timeline.svg", svg::draw(&hour::timeline(hour::SIZE), "vigie: the last hour")),
        ("screenshot-matrix.svg", svg::draw(&network::matrix(network::SIZE), "vigie: who reaches whom")),
        ("screenshot-help.svg", scene.help()?),
        ("screenshot-small.svg", scene.small()?),
    ];
    scene.end();
    let screen = fingerprint::of_the_screen()?;
    for (name, picture) in pictures {
        let path = folder.join(name);
        std::fs::write(&path, format!("{picture}{screen}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}: {} kB", path.display(), picture.len().div_ceil(1000));
    }
    Ok(())
}
