//! What fuzzing kept: each file of `fuzz/seeds` once more, by the same code as in `make fuzz`.

use std::fs::{read, read_dir};
use std::path::{Path, PathBuf};

use vigie::testkit::fuzz::TARGETS;

/// Says which file failed.
struct TellFile(PathBuf);

impl Drop for TellFile {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.display());
        }
    }
}

#[test]
fn nothing_that_was_found_by_fuzzing_comes_back() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, target) in TARGETS {
        let files = read_dir(seeds.join(name)).unwrap().map(|file| file.unwrap().path());
        let count = files.map(TellFile).map(|file| target(&read(&file.0).unwrap())).count();
        assert!(count >= 8, "{name} has {count} seeds");
    }
}

#[test]
fn every_target_is_made_of_the_function_of_its_name() {
    for (name, _) in TARGETS {
        let path = format!("{}/fuzz/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        assert!(std::fs::read_to_string(path).unwrap().contains(&format!("fuzz::{name}(bytes)")), "{name}");
    }
}
