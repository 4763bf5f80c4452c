//! `vigie replay`: a recording in the terminal app.

mod index;
mod lines;
mod player;
mod story;
#[cfg(test)]
mod tests;

use tokio::sync::mpsc;

use crate::app::keymap::{Action, Section};
use crate::app::model::Model;
use crate::app::state::App;
use crate::app::{self, Outlets, ShownNode};

use super::args::{NodeArgs, ReplayArgs, ScreenArgs};
use super::error::CliError;
use super::{log, runtime, screen, signals};

use index::Index;
use player::Player;

pub(super) use story::Told;

/// Events that wait for the app: it takes all of them with each frame.
const NEWS: usize = 1_024;
/// Keys that wait for the player.
const WISHES: usize = 16;

pub(super) fn run(node: &NodeArgs, look: &ScreenArgs, args: &ReplayArgs) -> Result<u8, CliError> {
    screen::require_a_terminal()?;
    let mut story = story::open(&args.file)?;
    let first = story::first(&mut story)?;
    let _log = log::to_screen(node)?;
    let runtime = runtime::current_thread()?;
    let signals = signals::heed(0)?;
    let index = Index::begin(&args.file, first.at).map_err(anyhow::Error::from)?;
    let keymap = &look.preferences.keymap;
    let (keys, pause) = (keymap.keys_in(Section::Recording), keymap.key_for(Action::Pause));
    tracing::info!("playing {}: keys with {keys}, and {pause} to pause", args.file.display());
    let mut model = Model::default();
    model.fold(&first);
    let options =
        app::Options { local_ip: None, bell: look.bell, notify: look.notify, node: ShownNode::Recorded };
    let app = App::new(options, look.appearance()).with(look.preferences.clone());
    let app = app.remembering(model);
    let (tell, news) = mpsc::channel(NEWS);
    let (wishes, asked) = mpsc::channel(WISHES);
    let zone = look.appearance().zone;
    let player = Player::new((story, index), &first, (args.speed, zone), tell);
    let playing = runtime::current_thread()?;
    std::thread::Builder::new()
        .name("vigie-play".into())
        .spawn(move || playing.block_on(player.play(asked)))
        .map_err(anyhow::Error::from)?;
    // There is no node: nobody takes commands.
    let outlets = Outlets { commands: mpsc::channel(1).0, wishes, notebook: look.notebook.clone() };
    let shown = runtime.block_on(async {
        tokio::select! {
            shown = app::run(news, outlets, app) => shown,
            () = signals.first() => Ok(None),
        }
    });
    shown
        .map(|_| 0)
        .map_err(|error| CliError::Other(anyhow::Error::new(error).context("the terminal app failed")))
}
