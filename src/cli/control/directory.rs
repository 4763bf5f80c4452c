//! The directories of control sockets: which they are, and whether nobody else can have put something there.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

/// Who may write to a directory beside its owner: its group, and all others.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// Where the groups of users are listed.
const GROUPS: &str = "/etc/group";

/// This process' user.
pub(super) fn own_uid() -> u32 {
    geteuid().as_raw()
}

/// The usual directories, the first choice first.
#[derive(Debug)]
pub(super) struct Usual {
    /// What systemd gives a service, and what is not made but found.
    service: Option<PathBuf>,
    session: Option<PathBuf>,
    system: PathBuf,
    shared: PathBuf,
}

impl Usual {
    pub(super) fn of_this_process() -> Self {
        Self::new(std::env::var_os("RUNTIME_DIRECTORY"), std::env::var_os("XDG_RUNTIME_DIR"), own_uid())
    }

    fn new(service: Option<OsString>, session: Option<OsString>, uid: u32) -> Self {
        let absolute = |path: PathBuf| path.is_absolute().then_some(path);
        // Several of them are separated by colons.
        let service = service.and_then(|list| std::env::split_paths(&list).next()).and_then(absolute);
        let session = session.map(PathBuf::from).and_then(absolute).map(|path| path.join("vigie"));
        let shared = Path::new("/tmp").join(format!("vigie-{uid}"));
        Self { service, session, system: "/run/vigie".into(), shared }
    }

    /// Where a node of this user has its socket: in the first one that can be, for who is no root all but `/run/vigie`.
    pub(super) fn own(&self) -> &Path {
        let can_be = |path: &Path| path.parent().is_some_and(Path::is_dir);
        if let Some(service) = self.service.as_deref().filter(|path| path.is_dir()) {
            return service;
        }
        let system = Some(&*self.system).filter(|_| own_uid() == 0);
        let made = [self.session.as_deref(), system];
        made.into_iter().flatten().find(|path| can_be(path)).unwrap_or(&self.shared)
    }

    /// Where a node may have its socket.
    pub(super) fn all(&self) -> impl Iterator<Item = &Path> {
        let given = [self.service.as_deref(), self.session.as_deref()];
        given.into_iter().flatten().chain([&*self.system, &*self.shared])
    }

    /// Whether it is vigie's alone, so that vigie sets its mode.
    pub(super) fn is_ours_alone(&self, path: &Path) -> bool {
        [self.session.as_deref(), Some(&*self.system), Some(&*self.shared)].contains(&Some(path))
    }
}

/// Makes a directory, or takes the one that is there if it is safe: in a directory of somebody else, or one where others may
/// write, a socket can be put in the place of ours. In one line, why it is not.
pub(super) fn prepare(path: &Path, is_ours_alone: bool, group: Option<u32>) -> Result<(), String> {
    let shown = path.display();
    let cannot = |what: &str, error: &io::Error| format!("cannot {what} {shown}: {error}");
    let mode = if group.is_some() { 0o750 } else { 0o700 };
    let is_new = match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(cannot("make", &error)),
    };
    let found = fs::symlink_metadata(path).map_err(|error| cannot("read", &error))?;
    if found.is_symlink() {
        return Err(format!("{shown} is a symbolic link"));
    }
    if !found.is_dir() {
        return Err(format!("{shown} is not a directory"));
    }
    if found.uid() != own_uid() {
        return Err(format!("{shown} belongs to another user (uid {})", found.uid()));
    }
    if is_new || is_ours_alone {
        if let Some(group) = group {
            chown(path, None, Some(group)).map_err(|error| cannot("give that group", &error))?;
        }
        // Also what the umask has taken.
        let permissions = Permissions::from_mode(mode);
        return fs::set_permissions(path, permissions).map_err(|error| cannot("set the mode of", &error));
    }
    if found.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(format!("{shown} can be written to by other users"));
    }
    Ok(())
}

/// Whether what is in that directory is of this user, of root, or of whom root lets be there.
pub(super) fn is_trusted(path: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(path) else { return false };
    let by_root = || {
        let above = path.parent().and_then(|parent| fs::metadata(parent).ok());
        above.is_some_and(|above| above.uid() == 0 && above.mode() & WRITABLE_BY_OTHERS == 0)
    };
    found.is_dir() && ([own_uid(), 0].contains(&found.uid()) || by_root())
}

/// The number of a group of users.
pub(super) fn gid(group: &str) -> Result<u32, String> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let groups = fs::read_to_string(GROUPS).map_err(|error| format!("cannot read {GROUPS}: {error}"))?;
    gid_in(&groups, group).ok_or_else(|| format!("there is no group '{group}' in {GROUPS}"))
}

fn gid_in(groups: &str, group: &str) -> Option<u32> {
    let mut lines = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
    lines.find_map(|line| match line[..] {
        [name, _, number, ..] if name == group => number.parse().ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_its_own_directory_a_session_too_and_everybody_else_one_in_tmp() {
        let all = |service: Option<&str>, session: Option<&str>| {
            let usual = Usual::new(service.map(Into::into), session.map(Into::into), 1000);
            usual.all().map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(
            all(Some("/run/a:/run/b"), Some("/run/user/1000")),
            ["/run/a", "/run/user/1000/vigie", "/run/vigie", "/tmp/vigie-1000"]
        );
        assert_eq!(all(Some(""), Some("relative")), ["/run/vigie", "/tmp/vigie-1000"]);
        let nowhere = Usual::new(Some("/nonexistent/a".into()), Some("/nonexistent/b".into()), 1000);
        assert!(["/run/vigie", "/tmp/vigie-1000"].contains(&nowhere.own().to_str().unwrap()));
    }

    #[test]
    fn groups_are_read_as_the_system_lists_them() {
        let groups = "root:x:0:\nadm:x:4:ann,ben\nbroken\n";
        assert_eq!(
            [gid_in(groups, "adm"), gid_in(groups, "root"), gid_in(groups, "broken")],
            [Some(4), Some(0), None]
        );
        assert_eq!(gid("77"), Ok(77));
        assert!(gid("no such group").unwrap_err().contains("'no such group'"));
    }
}
