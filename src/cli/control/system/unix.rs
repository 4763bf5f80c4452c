//! The control socket where there are Unix sockets: a file that only its owner may use, and a lock beside it that tells a node
//! that runs from one that crashed.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{
    FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown,
};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::net::{UnixListener, UnixStream};

use crate::cli::control::directory::{self, Usual, own_uid};
use crate::cli::control::place::{NotOpened, Place};

/// The node's end of a connection.
pub(in crate::cli::control) type Accepted = UnixStream;
/// The other end.
pub(in crate::cli::control) type Connected = UnixStream;

/// Bytes of a path that a socket's address has room for.
const MAX_PATH: usize = 107;
/// A lock is taken again where its file was taken away just then by the node that had it.
const LOCK_ATTEMPTS: usize = 16;
/// What is read of who has a lock.
const MAX_HOLDER: u64 = 200;

/// Where a node is asked.
#[derive(Debug)]
pub(in crate::cli::control) struct Listener {
    socket: UnixListener,
    /// Its group may connect as well: the socket's mode lets in nobody else.
    for_group: bool,
}

impl Listener {
    /// The next one who may come in. Must be called within a runtime.
    pub(in crate::cli::control) async fn accept(&mut self) -> io::Result<Accepted> {
        loop {
            let (stream, _) = self.socket.accept().await?;
            let uid = stream.peer_cred()?.uid();
            if self.for_group || [own_uid(), 0].contains(&uid) {
                return Ok(stream);
            }
        }
    }
}

/// The files of a listener, which go with this.
#[derive(Debug)]
pub(in crate::cli::control) struct Files {
    socket: PathBuf,
    lock: PathBuf,
    /// The number of the socket's file: another one may be in its place.
    inode: u64,
    /// Locked as long as the node lives, however it ends.
    _held: File,
}

impl Files {
    /// Whether others find the socket.
    pub(in crate::cli::control) fn are_there(&self) -> bool {
        fs::symlink_metadata(&self.socket).is_ok_and(|there| there.ino() == self.inode)
    }

    /// Leaves them, or what is in their place.
    pub(in crate::cli::control) fn leave(mut self) {
        self.socket = PathBuf::new();
        self.lock = PathBuf::new();
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // Whoever may have taken them away already.
        let _ = fs::remove_file(&self.socket);
        let _ = fs::remove_file(&self.lock);
    }
}

/// Opens the socket of a node that others know by `holder`.
pub(in crate::cli::control) async fn open(
    place: &Place,
    holder: &str,
) -> Result<(Listener, Files), NotOpened> {
    let group = place.group.as_deref().map(directory::gid).transpose().map_err(NotOpened::Failed)?;
    let usual = Usual::of_this_process();
    let directory = place.directory.as_deref().unwrap_or_else(|| usual.own());
    let directory: PathBuf = directory.components().collect();
    for other in directories(place, &usual).filter(|other| *other != directory) {
        if let Ok(Some(_)) = connect_in(&other, place).await {
            return Err(NotOpened::Taken(holder_of(&file(&other, place, "lock"))));
        }
    }
    let is_ours_alone = place.directory.is_none() && usual.is_ours_alone(&directory);
    directory::prepare(&directory, is_ours_alone, group).map_err(|why| {
        NotOpened::Failed(format!("{why}: remove it, or choose another place with --control DIR"))
    })?;
    let (socket, lock) = (file(&directory, place, "sock"), file(&directory, place, "lock"));
    if socket.as_os_str().len() > MAX_PATH {
        let line =
            format!("{} is longer than {MAX_PATH} bytes: choose a shorter --control DIR", socket.display());
        return Err(NotOpened::Failed(line));
    }
    let held = take_lock(&lock, holder)?;
    let failed = |error: io::Error| NotOpened::Failed(format!("cannot open {}: {error}", socket.display()));
    if !is_cleared(&socket).await.map_err(failed)? {
        return Err(NotOpened::Taken(format!("another program at {}", socket.display())));
    }
    let listener = UnixListener::bind(&socket).map_err(failed)?;
    let inode = fs::symlink_metadata(&socket).map_err(failed)?.ino();
    let files = Files { socket: socket.clone(), lock, inode, _held: held };
    if group.is_some() {
        chown(&socket, None, group).map_err(failed)?;
    }
    let mode = if group.is_some() { 0o660 } else { 0o600 };
    fs::set_permissions(&socket, Permissions::from_mode(mode)).map_err(failed)?;
    Ok((Listener { socket: listener, for_group: group.is_some() }, files))
}

/// Locks the file for as long as it is open. The node that has it takes it away at its end, and another one may have made a
/// new file by then: only the lock of the file that is there counts.
fn take_lock(path: &Path, holder: &str) -> Result<File, NotOpened> {
    let failed = |error: io::Error| NotOpened::Failed(format!("cannot lock {}: {error}", path.display()));
    for _ in 0..LOCK_ATTEMPTS {
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW);
        let mut file = options.open(path).map_err(failed)?;
        if file.try_lock().is_err() {
            return Err(NotOpened::Taken(holder_of(path)));
        }
        let is_there = fs::symlink_metadata(path)
            .is_ok_and(|there| file.metadata().is_ok_and(|locked| locked.ino() == there.ino()));
        if is_there {
            file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(failed)?;
            return Ok(file);
        }
    }
    Err(NotOpened::Taken(holder_of(path)))
}

/// Who says so in a lock.
fn holder_of(lock: &Path) -> String {
    let mut holder = String::new();
    let read = File::open(lock).and_then(|file| file.take(MAX_HOLDER).read_to_string(&mut holder));
    match read {
        Ok(_) if !holder.is_empty() => holder,
        _ => "another node".to_owned(),
    }
}

/// Whether nothing is at that path, what a node that crashed has left being taken away.
async fn is_cleared(socket: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(socket) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
        Ok(found) if found.file_type().is_socket() => {}
        Ok(_) => return Err(io::Error::other("a file is there that is no socket")),
    }
    match UnixStream::connect(socket).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(socket).map(|()| true)
        }
        Err(error) => Err(error),
        Ok(_) => Ok(false),
    }
}

/// Connects to the node that runs here, if one does.
///
/// # Errors
/// When one does and takes nobody in.
pub(in crate::cli::control) async fn connect(place: &Place) -> io::Result<Option<Connected>> {
    for directory in directories(place, &Usual::of_this_process()) {
        if let Some(connected) = connect_in(&directory, place).await? {
            return Ok(Some(connected));
        }
    }
    Ok(None)
}

/// Where to look for one.
fn directories(place: &Place, usual: &Usual) -> impl Iterator<Item = PathBuf> {
    let all: Vec<PathBuf> = match &place.directory {
        Some(directory) => vec![directory.components().collect()],
        None => usual.all().filter(|path| directory::is_trusted(path)).map(Path::to_owned).collect(),
    };
    all.into_iter()
}

async fn connect_in(directory: &Path, place: &Place) -> io::Result<Option<Connected>> {
    let path = file(directory, place, "sock");
    let Ok(found) = fs::symlink_metadata(&path) else { return Ok(None) };
    let owner = fs::metadata(directory).map_or(0, |directory| directory.uid());
    if !found.file_type().is_socket() || ![own_uid(), 0, owner].contains(&found.uid()) {
        return Ok(None);
    }
    match UnixStream::connect(&path).await {
        Ok(stream) => {
            let is_owner = stream.peer_cred().is_ok_and(|listening| listening.uid() == found.uid());
            Ok(is_owner.then_some(stream))
        }
        // More wait than fit: it runs, and does not come to take them in.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
        Err(_) => Ok(None),
    }
}

fn file(directory: &Path, place: &Place, ending: &str) -> PathBuf {
    directory.join(format!("{}.{ending}", place.name))
}

/// Whether the other end has closed both directions: one that has only said all still waits for the answer.
pub(in crate::cli::control) fn is_gone(stream: &Accepted) -> bool {
    let mut polled = [PollFd::new(stream, PollFlags::empty())];
    let _ = poll(&mut polled, Some(&Timespec::default()));
    polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}
