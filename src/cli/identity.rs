//! What tells one node from another: its random id, and the time at which its life began.

use std::time::SystemTime;

use rand::TryRng;

use crate::engine::Incarnation;

/// Bytes from the system's random number generator.
pub(super) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::rngs::SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(bytes)
}

/// The life that begins now.
pub(super) fn started_now() -> Incarnation {
    #[expect(clippy::disallowed_methods, reason = "a life is named by the time it began")]
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Incarnation(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
