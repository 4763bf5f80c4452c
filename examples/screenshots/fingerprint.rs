//! Which screen a picture shows: a hash of the app's snapshots, which change with everything that is drawn.

use std::io;
use std::path::Path;

/// The hash of all snapshots of the app's screens (64-bit FNV-1a), as it stands in the pictures.
pub(crate) fn of_the_screen() -> io::Result<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app/tests/snapshots");
    let mut paths =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "snap")) {
        let text = std::fs::read_to_string(path)?;
        // Without the head, which tells where the test stands.
        let screen = text.splitn(3, "---\n").nth(2).unwrap_or_default();
        for byte in screen.lines().flat_map(|line| line.bytes().chain([b'\n'])) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    Ok(format!("<!-- screen {hash:016x} -->"))
}
