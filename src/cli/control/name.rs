//! How the socket of a node is called: the same in every build, for who asks may be older or newer than who answers.

/// By group, port and network. A group may hold what no file name does, and a path has room for a hundred bytes: so it is a
/// hash of them.
pub(super) fn of(group: &str, port: u16, network: u64) -> String {
    // The lengths are fixed but for the last: no two lists of them are the same bytes.
    let bytes = network.to_be_bytes().into_iter().chain(port.to_be_bytes()).chain(group.bytes());
    format!("vigie-{:016x}", fnv1a(bytes))
}

/// What tells the network of this process from those of other processes of the same machine: containers, and hosts that are
/// made of namespaces, may share all files.
#[cfg(target_os = "linux")]
pub(super) fn network() -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self/ns/net").map_or(0, |namespace| namespace.ino())
}

/// There is one.
#[cfg(not(target_os = "linux"))]
pub(super) fn network() -> u64 {
    0
}

/// FNV-1a with 64 bits.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_every_build_and_another_one_for_each_group_port_and_network() {
        // The published values of FNV-1a.
        assert_eq!(fnv1a("".bytes()), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("foobar".bytes()), 0x8594_4171_f739_67e8);
        let name = of("default", 17_474, 4_026_531_840);
        assert_eq!(name, "vigie-8ba969887f27fba4");
        for other in
            [of("a/b", 17_474, 4_026_531_840), of("default", 17_475, 4_026_531_840), of("default", 17_474, 1)]
        {
            assert_ne!(name, other);
            assert_eq!(name.len(), other.len());
        }
    }
}
