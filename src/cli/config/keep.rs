//! What a person notes of a peer in the app goes into `[peers]` of the file, and the filters that they save into `[filters]`; all else in it
//! stays as it is.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Command;

use crate::app::Kept;
use crate::app::model::{Note, Noted, SavedFilter};

use super::document::{self, ADDRESS, FILTERS, MARK, NOTE, PEERS, PIN};
use super::edit::{edited, key, quoted};
use super::layers::ConfigFile;
use super::peers::{NamedPeer, refused_name, refused_note};
use super::{bytes_of, is_absence};

/// Keeps what is noted of a peer, or a filter.
///
/// # Errors
/// When the file cannot be changed so, with a line to put into it, or cannot be written.
pub(in crate::cli) fn keep(
    path: &Path,
    profile: Option<&str>,
    kept: &Kept,
    root: &Command,
) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = match bytes_of(path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|error| failed(&error))?,
        Err(error) if is_absence(&error) => String::new(),
        Err(error) => return Err(failed(&error)),
    };
    let changed = match kept {
        Kept::Note(note) => with_note(path, profile, &text, note, root)?,
        Kept::Filter(filter) => with_filter(path, profile, &text, filter, root)?,
    };
    write(path, &changed).map_err(|error| failed(&error))
}

/// A file's text with what is noted of a peer.
pub(super) fn with_note(
    path: &Path,
    profile: Option<&str>,
    text: &str,
    note: &Note,
    root: &Command,
) -> Result<String, String> {
    let refused = refused_name(&note.name).or_else(|| note.text.as_deref().and_then(refused_note));
    if let Some(why) = refused {
        return Err(why);
    }
    let before = document::read(path, text, root)?;
    let address = before.root.peers.iter().find(|peer| peer.name == note.name);
    let address = address.and_then(|peer| peer.address.clone());
    let value = value(note, address.as_deref());
    let wanted =
        NamedPeer { name: note.name.clone(), address, note: note.text.clone(), noted: note.noted, line: 0 };
    let changed = edited(text, PEERS, &note.name, value.as_deref());
    // Whatever a person has written there: only what says just that, and leaves the rest alone, is written.
    let after = document::read(path, &changed, root).ok();
    if after.is_some_and(|after| says(&before, &after, profile, &wanted)) {
        return Ok(changed);
    }
    let (name, value) = (key(&note.name), value.unwrap_or_else(|| "\"…\"".to_owned()));
    Err(format!("put {name} = {value} into [{PEERS}] of {}", path.display()))
}

/// A file's text with a filter; without that, if it has no text.
pub(super) fn with_filter(
    path: &Path,
    profile: Option<&str>,
    text: &str,
    filter: &SavedFilter,
    root: &Command,
) -> Result<String, String> {
    let before = document::read(path, text, root)?;
    let value = Some(&filter.text).filter(|text| !text.is_empty()).map(|text| quoted(text));
    let changed = edited(text, FILTERS, &filter.name, value.as_deref());
    let after = document::read(path, &changed, root).ok();
    let says =
        |file: &ConfigFile| file.saved_filters(profile).get(&filter.name).map(|told| told.text.clone());
    let others = |file: &ConfigFile| {
        let mut others = file.saved_filters(None);
        others.set(SavedFilter { name: filter.name.clone(), text: String::new() });
        (others, file.peers(None).len())
    };
    let wanted = value.as_ref().map(|_| filter.text.clone());
    if after.is_some_and(|after| says(&after) == wanted && others(&before) == others(&after)) {
        return Ok(changed);
    }
    let name = key(&filter.name);
    Err(match value {
        Some(value) => format!("put {name} = {value} into [{FILTERS}] of {}", path.display()),
        None => format!("take {name} out of [{FILTERS}] of {}", path.display()),
    })
}

/// Whether a file says this of a peer, also with a profile, and all else as before.
fn says(before: &ConfigFile, after: &ConfigFile, profile: Option<&str>, wanted: &NamedPeer) -> bool {
    let without_lines = |file: &ConfigFile, profile| -> Vec<NamedPeer> {
        file.peers(profile).into_iter().map(|peer| NamedPeer { line: 0, ..peer.clone() }).collect()
    };
    let is_nothing = wanted.address.is_none() && wanted.note.is_none() && wanted.noted == Noted::default();
    let told = without_lines(after, profile).into_iter().find(|peer| peer.name == wanted.name);
    let others = |file: &ConfigFile| -> Vec<NamedPeer> {
        without_lines(file, None).into_iter().filter(|peer| peer.name != wanted.name).collect()
    };
    told.as_ref() == Some(wanted).filter(|_| !is_nothing) && others(before) == others(after)
}

/// What stands in the file for a note; none where nothing is to stand there.
fn value(note: &Note, address: Option<&str>) -> Option<String> {
    let plain = address.is_none() && note.noted == Noted::default();
    if let (true, Some(text)) = (plain, &note.text) {
        return Some(quoted(text));
    }
    let texts = [(ADDRESS, address), (NOTE, note.text.as_deref())];
    let texts = texts.into_iter().filter_map(|(key, text)| Some(format!("{key} = {}", quoted(text?))));
    let switches = [(MARK, note.noted.is_marked), (PIN, note.noted.is_pinned)];
    let switches = switches.into_iter().filter(|(_, is_on)| *is_on).map(|(key, _)| format!("{key} = true"));
    let all: Vec<String> = texts.chain(switches).collect();
    (!all.is_empty()).then(|| format!("{{ {} }}", all.join(", ")))
}

/// Writes a file whole or not at all, with the rights that it had; where a link leads to it, the link stays.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = beside(&path);
    let written = fs::File::create(&new).and_then(|mut file| {
        if let Ok(known) = fs::metadata(&path) {
            file.set_permissions(known.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&new, &path));
    if done.is_err() {
        // What is half written is of no use; if it cannot go, the error told says more.
        let _ = fs::remove_file(&new);
    }
    done
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::cli::args::Cli;

    use super::*;

    fn root() -> Command {
        let mut root = Cli::command();
        root.build();
        root
    }

    fn note(name: &str, text: Option<&str>, is_marked: bool, is_pinned: bool) -> Note {
        let noted = Noted { is_marked, is_pinned };
        Note { name: name.to_owned(), ip: None, text: text.map(str::to_owned), noted }
    }

    fn changed(text: &str, note: &Note) -> Result<String, String> {
        with_note(Path::new("c.toml"), None, text, note, &root())
    }

    #[test]
    fn a_note_goes_to_its_entry_or_to_a_new_one_and_all_else_stays() {
        let marked = note("roof", Some("by the sea"), true, false);
        let entry = "roof = { note = \"by the sea\", mark = true }";
        for (before, after) in [
            ("", format!("[peers]\n{entry}\n")),
            ("# mine\ngroup = \"x\"", format!("# mine\ngroup = \"x\"\n\n[peers]\n{entry}\n")),
            ("[peers] # all\nmast = \"x\"\n", format!("[peers] # all\n{entry}\nmast = \"x\"\n")),
            ("[peers]", format!("[peers]\n{entry}\n")),
            (
                "[peers]\nroof = \"old\" # key\n\n[check]\nexpect = 1\n",
                format!("[peers]\n{entry} # key\n\n[check]\nexpect = 1\n"),
            ),
            (
                "[peers]\n\"roof\" = { address = \"10.0.0.7\" }\n",
                "[peers]\nroof = { address = \"10.0.0.7\", note = \"by the sea\", mark = true }\n".to_owned(),
            ),
        ] {
            assert_eq!(changed(before, &marked), Ok(after), "{before}");
        }
    }

    #[test]
    fn nothing_noted_takes_the_entry_away_and_a_note_alone_is_a_text() {
        let text = "[peers]\nroof = { mark = true }\nmast = \"x\"\n";
        assert_eq!(changed(text, &note("roof", None, false, false)).unwrap(), "[peers]\nmast = \"x\"\n");
        assert_eq!(changed(text, &note("sea", None, false, false)).unwrap(), text);
        let odd = note("Anna's \"PC\"", Some("a \\ b"), false, false);
        assert_eq!(changed("", &odd).unwrap(), "[peers]\n\"Anna's \\\"PC\\\"\" = \"a \\\\ b\"\n");
        let addressed = "[peers]\nroof = { address = \"10.0.0.7\", pin = true }\n";
        let after = changed(addressed, &note("roof", None, false, false)).unwrap();
        assert_eq!(after, "[peers]\nroof = { address = \"10.0.0.7\" }\n");
    }

    #[test]
    fn a_file_that_is_written_in_another_way_or_wrong_is_left_alone_and_it_is_said_what_to_put_there() {
        let pinned = note("roof", None, false, true);
        for text in ["peers = { mast = \"x\" }\n", "[peers.roof]\nnote = \"x\"\n", "peers.mast = \"x\"\n"] {
            match changed(text, &pinned) {
                Ok(after) => {
                    let file = document::read(Path::new("c.toml"), &after, &root()).unwrap();
                    assert!(file.peers(None).iter().any(|peer| peer.noted.is_pinned), "{after}");
                }
                Err(why) => assert_eq!(why, "put roof = { pin = true } into [peers] of c.toml", "{text}"),
            }
        }
        assert!(changed("intervall = 1\n", &pinned).unwrap_err().starts_with("c.toml:1: unknown key"));
        let of_profile = "[profile.lab.peers]\nroof = \"x\"\n";
        let kept = |profile| with_note(Path::new("c.toml"), profile, of_profile, &pinned, &root());
        assert!(kept(None).is_ok() && kept(Some("lab")).is_err(), "the profile says something else");
    }

    #[test]
    fn a_filter_goes_to_its_entry_and_without_a_text_it_goes_away() {
        let with = |text: &str, name: &str, filter: &str, profile: Option<&str>| {
            let filter = SavedFilter { name: name.to_owned(), text: filter.to_owned() };
            with_filter(Path::new("c.toml"), profile, text, &filter, &root())
        };
        let saved = "[filters]\nslow = \"rtt>5ms\"\n";
        assert_eq!(with("", "slow", "rtt>5ms", None).unwrap(), saved);
        let both = with(saved, "bäd", "!up", None).unwrap();
        assert_eq!(both, "[filters]\n\"bäd\" = \"!up\"\nslow = \"rtt>5ms\"\n");
        assert_eq!(with(saved, "slow", "rtt>9ms", None).unwrap(), "[filters]\nslow = \"rtt>9ms\"\n");
        assert_eq!(with(saved, "slow", "", None).unwrap(), "[filters]\n");
        let of_profile = "[profile.lab.filters]\nslow = \"x\"\n";
        let refused = "put slow = \"y\" into [filters] of c.toml";
        assert_eq!(with(of_profile, "slow", "y", Some("lab")).unwrap_err(), refused);
        assert_eq!(
            with(of_profile, "slow", "", Some("lab")).unwrap_err(),
            "take slow out of [filters] of c.toml"
        );
        assert!(with("intervall = 1\n", "slow", "y", None).unwrap_err().starts_with("c.toml:1: unknown key"));
    }

    #[test]
    fn the_file_is_made_where_there_is_none_and_keeps_its_link() {
        let folder = std::env::temp_dir().join(format!("vigie-keep-{}", std::process::id()));
        let path = folder.join("a").join("config.toml");
        let marked = note("roof", None, true, false);
        keep(&path, None, &Kept::Note(marked), &root()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "[peers]\nroof = { mark = true }\n");
        let link = folder.join("link.toml");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&path, &link).unwrap();
        #[cfg(unix)]
        keep(&link, None, &Kept::Note(note("roof", None, true, true)), &root()).unwrap();
        #[cfg(unix)]
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        #[cfg(unix)]
        assert_eq!(fs::read_to_string(&path).unwrap(), "[peers]\nroof = { mark = true, pin = true }\n");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
        fs::remove_dir_all(folder).unwrap();
    }
}
