//! Which nodes see to another one: rendezvous hashing (Thaler, Ravishankar 1998), by which all nodes choose the same ones without
//! asking each other.

use std::net::IpAddr;

use super::NodeId;

/// Offset and prime of FNV-1a with 64 bits.
const FNV: (u64, u64) = (0xcbf2_9ce4_8422_2325, 0x0000_0100_0000_01b3);

/// How heavy a node weighs when somebody is chosen for another one: the heaviest are. FNV-1a of the two ids, mixed as
/// `MurmurHash3` ends, so that all bits of both count.
pub fn weight(of: NodeId, node: NodeId) -> u64 {
    let (of, node) = ({ of.0 }.to_be_bytes(), { node.0 }.to_be_bytes());
    let hash = of.iter().chain(&node).fold(FNV.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV.1));
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

/// What stands for an address when somebody is chosen for it: the ids of who seems to be there may be made up.
pub fn of_address(ip: IpAddr) -> NodeId {
    match ip {
        IpAddr::V4(v4) => NodeId(v4.to_bits().into()),
        IpAddr::V6(v6) => NodeId(v6.to_bits()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_chosen_by_about_as_many_also_where_ids_are_close_together() {
        let (nodes, chosen) = (200_u128, 3);
        let mut times = vec![0; 200];
        for of in 0..nodes {
            let mut others: Vec<u128> = (0..nodes).filter(|node| *node != of).collect();
            others.sort_by_key(|node| std::cmp::Reverse(weight(NodeId(of), NodeId(*node))));
            others[..chosen].iter().for_each(|node| times[usize::try_from(*node).unwrap()] += 1);
        }
        let unseen = times.iter().filter(|times| **times == 0).count();
        // Of two hundred, five in a hundred are chosen by nobody (e to the power of -3): they choose themselves.
        assert!(unseen < 22 && times.iter().all(|times| *times < 13), "{times:?}");
    }
}
