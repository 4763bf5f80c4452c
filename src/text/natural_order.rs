//! The order in which people read names.

use std::cmp::Ordering;

use crate::engine::peers::PeerInfo;

/// The order in which people read peers: by name, those of one name by address.
pub fn by_name(a: &PeerInfo, b: &PeerInfo) -> Ordering {
    natural_cmp(&a.name, &b.name).then_with(|| a.addr.cmp(&b.addr))
}

/// Compares as people do: runs of digits by their value, the rest by character, without regard to case; texts
/// that differ only in case or leading zeros still have one order.
pub fn natural_cmp(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while let (Some(x), Some(y)) = (left.chars().next(), right.chars().next()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (number_x, number_y) = (digits(&mut left), digits(&mut right));
            number_x.len().cmp(&number_y.len()).then_with(|| number_x.cmp(number_y))
        } else {
            left = &left[x.len_utf8()..];
            right = &right[y.len_utf8()..];
            x.to_lowercase().cmp(y.to_lowercase())
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Takes the run of digits that a text begins with, without its leading zeros: then the longer is the greater.
fn digits<'a>(text: &mut &'a str) -> &'a str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (run, rest) = text.split_at(end);
    *text = rest;
    run.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_ordered_as_people_count() {
        let mut names = ["host10", "Host9", "host9b", "host09", "alpha", "host", "10", "9", "Über"];
        names.sort_by(|a, b| natural_cmp(a, b));
        assert_eq!(names, ["9", "10", "alpha", "host", "Host9", "host09", "host9b", "host10", "Über"]);
    }

    proptest! {
        #[test]
        fn the_natural_order_is_an_order(a in "[a-bA-B01]{0,5}", b in "[a-bA-B01]{0,5}", c in "[a-bA-B01]{0,5}") {
            prop_assert_eq!(natural_cmp(&a, &b), natural_cmp(&b, &a).reverse());
            prop_assert_eq!(natural_cmp(&a, &b) == Ordering::Equal, a == b);
            if natural_cmp(&a, &b).is_le() && natural_cmp(&b, &c).is_le() {
                prop_assert!(natural_cmp(&a, &c).is_le());
            }
        }
    }
}
