//! Nodes with a shared secret, as the real program: the file, and who hears whom.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use support::node::{Ran, run_briefly};

/// A folder of its own, which is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vigie-secret-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// It was refused with this code, and one line that has these words.
#[track_caller]
fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (code, "", 1), "{}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{word:?} is missing in: {}", ran.err);
    }
}

#[test]
fn a_new_secret_is_its_users_alone_and_never_written_over_a_file() {
    let folder = Folder::new("new");
    let path = folder.path("secret");
    let made = run_briefly(&["secret", "new", &path]);
    assert_eq!((made.code, made.err.as_str()), (0, ""));
    assert!(made.out.contains(&path), "{}", made.out);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    refused(&run_briefly(&["secret", "new", &path]), 3, &[&path, "exists"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let printed = run_briefly(&["secret", "new"]);
    assert_eq!((printed.code, printed.out.len(), printed.err.as_str()), (0, 65, ""));
    assert!(!text.contains(printed.out.trim()), "each is another one");
    refused(&run_briefly(&["secret", "new", "/nowhere/secret"]), 3, &["/nowhere/secret"]);
    refused(&run_briefly(&["secret"]), 2, &["secret", "subcommand"]);
}
