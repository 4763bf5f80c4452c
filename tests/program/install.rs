//! What `make install` puts where, and that it is sound.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::is_there;
use crate::support::node::program;

/// Where it is installed; gone after the test.
struct Prefix(PathBuf);

impl Drop for Prefix {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Prefix {
    fn make(&self, target: &str) {
        let mut make = Command::new("make");
        make.current_dir(env!("CARGO_MANIFEST_DIR")).args(["--silent", target]);
        make.arg(format!("PREFIX={}", self.0.display())).arg(format!("BIN={}", program()));
        succeeded(make);
    }

    fn has(&self, path: &str) -> PathBuf {
        let path = self.0.join(path);
        assert!(fs::metadata(&path).is_ok_and(|file| file.len() > 100), "{}", path.display());
        path
    }

    /// How many files there are.
    fn files(&self) -> usize {
        fn count(path: &Path) -> usize {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
        }
        count(&self.0)
    }
}

#[track_caller]
fn succeeded(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("it is installed");
    let text = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    assert!(status.success(), "{command:?}: {text}");
    text
}

#[test]
fn what_is_installed_is_sound_and_uninstalling_leaves_no_file() {
    if !is_there("make") {
        return;
    }
    let prefix = Prefix(std::env::temp_dir().join(format!("vigie-install-{}", std::process::id())));
    prefix.make("install");
    let bash = prefix.has("share/bash-completion/completions/vigie");
    let mut read = Command::new("bash");
    read.args(["-n", &bash.display().to_string()]);
    if is_there("bash") {
        succeeded(read);
    }
    prefix.has("share/zsh/site-functions/_vigie");
    prefix.has("share/fish/vendor_completions.d/vigie.fish");
    let page =
        |name: &str| fs::read_to_string(prefix.has(&format!("share/man/man1/{name}.1"))).unwrap_or_default();
    assert!(page("vigie").contains(".SH TIMING") && page("vigie").contains("vigie\\-attach(1)"));
    assert!(page("vigie-check").contains("\\-\\-expect\\-peer"));

    let units =
        [prefix.has("lib/systemd/system/vigie.service"), prefix.has("lib/systemd/user/vigie.service")];
    for (unit, manager) in units.iter().zip(["--system", "--user"]) {
        let text = fs::read_to_string(unit).expect("it is there");
        assert!(text.contains(&format!("ExecStart={}/bin/vigie watch\n", prefix.0.display())), "{text}");
        if is_there("systemd-analyze") {
            let mut verify = Command::new("systemd-analyze");
            verify.env("XDG_RUNTIME_DIR", &prefix.0);
            let said = succeeded({
                verify.args([manager, "--man=no", "--recursive-errors=no", "verify"]).arg(unit);
                verify
            });
            assert!(!said.contains("vigie.service"), "{said}");
        }
    }
    if is_there("systemd-analyze") {
        let mut exposed = Command::new("systemd-analyze");
        exposed.args(["security", "--offline=yes", "--threshold=20", "--no-pager"]).arg(&units[0]);
        succeeded(exposed);
    }
    prefix.make("uninstall");
    assert_eq!(prefix.files(), 0);
}
