//! What a file says, all of it checked: what counts of it for a command, with a profile or without.

use std::path::PathBuf;

use clap::{Arg, Command};

use crate::app::keymap::{Keymap, Rebinding};
use crate::app::model::SavedFilters;
use crate::app::ui::TableColumns;
use crate::text::nearest;

use super::columns::Columns;
use super::filters::NamedFilter;
use super::peers::NamedPeer;
use super::setting::Setting;

/// The option that takes the addresses of `[peers]`.
pub(super) const PEER_OPTION: &str = "peer";

/// What a file says, all of it checked.
#[derive(Debug)]
pub(in crate::cli) struct ConfigFile {
    /// As it was named or found.
    pub(in crate::cli) path: PathBuf,
    pub(super) root: Layer,
    pub(super) profiles: Vec<(String, Layer)>,
}

/// The file without its profiles, or one of these.
#[derive(Debug, Default)]
pub(super) struct Layer {
    /// Of every command.
    pub(super) options: Vec<Setting>,
    /// Of one command, by its name.
    pub(super) commands: Vec<(String, Vec<Setting>)>,
    pub(super) keys: Vec<(Rebinding, usize)>,
    pub(super) columns: Columns,
    pub(super) peers: Vec<NamedPeer>,
    pub(super) filters: Vec<NamedFilter>,
}

impl ConfigFile {
    /// Whether there is such a profile.
    ///
    /// # Errors
    /// One line with the nearest name.
    pub(in crate::cli) fn check_profile(&self, name: &str) -> Result<(), String> {
        if self.profile(Some(name)).is_some() {
            return Ok(());
        }
        let nearest = nearest(name, self.profiles.iter().map(|(known, _)| known.as_str()));
        Err(format!("{} has no profile {name}{nearest}", self.path.display()))
    }

    /// What is said of an option, for a command or without one: a profile comes first, and what is said of the command before what
    /// is said of all. Where the command has a default of its own, only the former counts.
    pub(in crate::cli) fn setting(
        &self,
        profile: Option<&str>,
        command: Option<&Command>,
        arg: &Arg,
        only_its_own: bool,
    ) -> Option<Setting> {
        let option = arg.get_long()?;
        let of = |settings: &[Setting]| settings.iter().find(|setting| setting.option == option).cloned();
        let of_the_command = |layer: &Layer| {
            let name = command?.get_name();
            layer.commands.iter().find(|(known, _)| known == name).and_then(|(_, settings)| of(settings))
        };
        let in_layer =
            |layer: &Layer| of_the_command(layer).or_else(|| of(&layer.options).filter(|_| !only_its_own));
        let set = self.layers(profile).find_map(in_layer);
        if option == PEER_OPTION { self.with_peers(profile, set) } else { set }
    }

    /// The option that takes addresses of peers, with those of `[peers]`.
    fn with_peers(&self, profile: Option<&str>, set: Option<Setting>) -> Option<Setting> {
        let peers = self.peers(profile);
        let mut more = peers.iter().filter_map(|peer| Some((peer.address.clone()?, peer.line)));
        let mut set = if let Some(set) = set {
            set
        } else {
            let (address, line) = more.next()?;
            Setting { option: PEER_OPTION.to_owned(), values: vec![address], line }
        };
        set.values.extend(more.map(|(address, _)| address));
        Some(set)
    }

    /// The peers that it tells of; those of the profile in the place of others of the same name.
    pub(in crate::cli) fn peers(&self, profile: Option<&str>) -> Vec<&NamedPeer> {
        let mut peers: Vec<&NamedPeer> = Vec::new();
        for peer in self.layers(profile).flat_map(|layer| &layer.peers) {
            if !peers.iter().any(|known| known.name == peer.name) {
                peers.push(peer);
            }
        }
        peers
    }

    /// The filters of the app; those of the profile in the place of others of the same name.
    pub(in crate::cli) fn filters(&self, profile: Option<&str>) -> Vec<&NamedFilter> {
        let mut filters: Vec<&NamedFilter> = Vec::new();
        for named in self.layers(profile).flat_map(|layer| &layer.filters) {
            if !filters.iter().any(|known| known.filter.name == named.filter.name) {
                filters.push(named);
            }
        }
        filters
    }

    /// The same, as the app has them.
    pub(in crate::cli) fn saved_filters(&self, profile: Option<&str>) -> SavedFilters {
        self.filters(profile).into_iter().map(|named| named.filter.clone()).collect()
    }

    /// What is said of keys, each with its line.
    pub(in crate::cli) fn keys(&self, profile: Option<&str>) -> Vec<&(Rebinding, usize)> {
        let mut keys: Vec<&(Rebinding, usize)> = Vec::new();
        for key in self.layers(profile).flat_map(|layer| &layer.keys) {
            if !keys.iter().any(|(known, _)| known.action == key.0.action) {
                keys.push(key);
            }
        }
        keys
    }

    /// The columns of the table, and where the first of what is said of them stands, if anything is.
    pub(in crate::cli) fn columns(&self, profile: Option<&str>) -> (TableColumns, Option<usize>) {
        Columns::together(self.layers(profile).map(|layer| &layer.columns))
    }

    /// Whether the peers of the table are grouped.
    pub(in crate::cli) fn is_grouped(&self, profile: Option<&str>) -> bool {
        self.layers(profile).find_map(|layer| layer.columns.group).unwrap_or_default()
    }

    /// The table of keys with what is said of them.
    ///
    /// # Errors
    /// When a key would have two meanings in one place.
    pub(in crate::cli) fn keymap(&self, profile: Option<&str>) -> Result<Keymap, String> {
        let keys = self.keys(profile);
        let rebindings: Vec<Rebinding> = keys.iter().map(|(rebinding, _)| rebinding.clone()).collect();
        Keymap::rebound(&rebindings).map_err(|clash| {
            let line =
                keys.iter().find(|(rebinding, _)| rebinding.action == clash.action).map_or(1, |key| key.1);
            format!("{}:{line}: {clash}", self.path.display())
        })
    }

    /// Each profile is to have a sound table of keys, also those that are not used now.
    pub(super) fn check_keys(&self) -> Result<(), String> {
        let profiles = self.profiles.iter().map(|(name, _)| Some(name.as_str()));
        profiles.chain([None]).try_for_each(|profile| self.keymap(profile).map(drop))
    }

    /// What counts, the strongest first.
    fn layers(&self, profile: Option<&str>) -> impl Iterator<Item = &Layer> + Clone {
        self.profile(profile).into_iter().chain([&self.root])
    }

    fn profile(&self, name: Option<&str>) -> Option<&Layer> {
        let name = name?;
        self.profiles.iter().find(|(known, _)| known == name).map(|(_, layer)| layer)
    }
}
