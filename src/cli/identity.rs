//! What tells one node from another: its name, its random id, and the time at which its life began.

use std::time::SystemTime;

use rand::TryRng;

use crate::engine::Incarnation;
use crate::proto::{MAX_TEXT, check_text};

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

/// The host's name, as a node may be called.
pub(super) fn host_name() -> String {
    presentable(&gethostname::gethostname().to_string_lossy())
}

/// A host name as a node's name: its first label if it is too long, without what a terminal cannot show.
fn presentable(host: &str) -> String {
    let host = if host.len() > MAX_TEXT { host.split('.').next().unwrap_or(host) } else { host };
    let mut name: String = host.chars().filter(|c| check_text(c.encode_utf8(&mut [0; 4])).is_ok()).collect();
    while name.len() > MAX_TEXT {
        name.pop();
    }
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_host_name_makes_a_presentable_name() {
        assert_eq!(presentable("host7"), "host7");
        assert_eq!(presentable(&format!("host7.{}", "x".repeat(80))), "host7");
        assert_eq!(presentable(&"é".repeat(80)).len(), 62);
        assert_eq!(presentable("a\u{1b}b"), "ab");
        assert_eq!(presentable(""), "unnamed");
    }
}
