//! Systems other than Linux: what the C library, or Windows, tells.

use std::io;

use if_addrs::IfAddr;

use super::address::{Address, Usability};
use crate::engine::interface::LinkIndex;

pub(super) fn all() -> io::Result<Vec<Address>> {
    let all = if_addrs::get_if_addrs()?.into_iter().map(|told| Address {
        index: told.index.map(LinkIndex),
        hardware: None,
        ip: told.ip(),
        prefix: match &told.addr {
            IfAddr::V4(v4) => v4.prefixlen,
            IfAddr::V6(v6) => v6.prefixlen,
        },
        running: told.is_oper_up(),
        point_to_point: told.is_p2p(),
        usability: Usability::Ready,
        link: told.name,
    });
    Ok(all.collect())
}
