//! A fast hash for keys that come from the network.
//!
//! Who chooses identities or addresses could choose many that fall into one place of a table: so the hash has a secret of this
//! process. It is drawn as `std` draws those of its own tables.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::OnceLock;

use foldhash::SharedSeed;
use foldhash::fast::{FoldHasher, SeedableRandomState};

/// What must not be known outside of this process.
static SECRET: OnceLock<SharedSeed> = OnceLock::new();

/// What hashes the keys of one table.
#[derive(Debug, Clone)]
pub(crate) struct Keyed(SeedableRandomState);

impl Default for Keyed {
    fn default() -> Self {
        Self(SeedableRandomState::with_seed(random(), secret()))
    }
}

impl BuildHasher for Keyed {
    type Hasher = FoldHasher<'static>;

    fn build_hasher(&self) -> Self::Hasher {
        self.0.build_hasher()
    }
}

/// A number that stands for a value as long as this process lives.
pub(crate) fn digest(value: impl Hash) -> u64 {
    SeedableRandomState::with_seed(0, secret()).hash_one(value)
}

fn secret() -> &'static SharedSeed {
    SECRET.get_or_init(|| SharedSeed::from_u64(random()))
}

fn random() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_hashes_the_same_alike_and_another_table_otherwise() {
        let (one, other) = (Keyed::default(), Keyed::default());
        assert_eq!(one.hash_one(7_u128), one.hash_one(7_u128));
        assert_ne!(one.hash_one(7_u128), one.hash_one(8_u128));
        assert_ne!(one.hash_one(7_u128), other.hash_one(7_u128));
    }

    #[test]
    fn equal_values_have_one_digest() {
        assert_eq!(digest((7, "name")), digest((7, "name")));
        assert_ne!(digest((7, "name")), digest((7, "names")));
    }
}
