//! The name of this machine, and whether it has changed.

use crate::proto::{MAX_TEXT, check_text};

/// The host's name as it was known last.
#[derive(Debug)]
pub(super) struct HostName {
    name: String,
}

impl HostName {
    /// As it is now.
    pub(super) fn look() -> Self {
        Self { name: host_name() }
    }

    /// What the host is called now, if that is another name than it was.
    pub(super) fn changed(&mut self) -> Option<String> {
        let now = host_name();
        (now != self.name).then(|| {
            self.name.clone_from(&now);
            now
        })
    }
}

/// The host's name, as a node may be called.
pub fn host_name() -> String {
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

    #[test]
    fn a_change_is_told_once() {
        let mut known = HostName { name: "an older one".to_owned() };
        assert_eq!(known.changed(), Some(host_name()));
        assert_eq!(known.changed(), None);
    }
}
