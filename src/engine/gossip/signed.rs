//! Rows under a secret: each is signed by its owner, so that nobody else can tell what that one sees, neither in its name nor when passing
//! its row on. One signature is for both: it covers the page as it was sent, and the whole row at its latest version. Pure, and within a budget.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::engine::NodeId;
use crate::engine::context::Context;
use crate::engine::limits::{ROW_SIGNATURES_AT_ONCE, ROW_SIGNATURES_PER_SECOND};
use crate::engine::rate_limiter::RateLimiter;
use crate::proto::rows::{Entries, Entry, GONE, NEVER, PageHead, Proof, append};
use crate::secret::signing::{id_of, is_signed};

/// Bytes of the head of a page that its proof takes.
pub(crate) const PROOF_ROOM: usize = 2 + Proof::LENGTH;

type Digest = [u8; 32];

/// A row as its owner tells it, but for ages, which each page has of its own time. Empty without a secret.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Each entry as it is signed.
    entries: BTreeMap<NodeId, Box<[u8]>>,
}

/// What a signature covers, found to be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vouched {
    key: [u8; 32],
    /// Of the whole row at its latest version.
    row: Digest,
    /// Of the page as its owner sent it.
    page: Digest,
    signature: [u8; 64],
    /// What is signed: both digests, whose row it is, in which life, version and group.
    statement: Box<[u8]>,
    latest: u64,
    /// The page that it came with, if that is the owner's and has no entries: most are like that, one as the other.
    still: Option<PageHead>,
}

/// What rows that came were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Signed {
    /// Their owners' words, as far as they were looked at; without a secret they need not be.
    Yes,
    /// Nothing of them was looked at: there was nothing new, or no time.
    Unseen,
    /// One of them was not, and was dropped.
    No,
}

impl Signed {
    /// With the next one.
    pub(super) fn and(self, next: Self) -> Self {
        if self == Self::No { self } else { next }
    }
}

/// Why a page is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Its owner did not say so.
    Unsigned,
    /// There have been too many to look at. What is dropped now is asked for again.
    NotNow,
}

/// Checks signatures, as many as there is time for.
#[derive(Debug)]
pub(super) struct Checks {
    budget: RateLimiter,
}

/// What this node signs of its own row.
#[derive(Debug, Default)]
pub(super) struct Signing {
    told: Told,
    /// Of the row in this version.
    digest: Option<(u64, Digest)>,
    /// Of the last page without entries, as it was before: whoever has the same version gets the same.
    still: Option<(PageHead, Proof)>,
    /// What was signed last of the pages with some.
    last: Option<(Vec<u8>, Proof)>,
}

impl Told {
    /// Takes what a page tells of one node.
    pub(super) fn take(&mut self, entry: &Entry<'_>) {
        if entry.ways == GONE {
            self.forget(entry.id);
        } else {
            self.entries.insert(entry.id, form_of(entry));
        }
    }

    pub(super) fn forget(&mut self, id: NodeId) {
        self.entries.remove(&id);
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// What is told of a node, without ages.
    pub(super) fn entry(&self, id: NodeId) -> Option<Entry<'_>> {
        minicbor::decode(self.entries.get(&id)?).ok()
    }

    /// What is told of each node, without ages, in the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries.values().filter_map(|form| minicbor::decode(form).ok())
    }

    fn digest(&self) -> Digest {
        let begun = Sha256::new().chain_update(b"vigie 1 row entries\0");
        self.entries.values().fold(begun, Sha256::chain_update).finalize().into()
    }
}

impl Vouched {
    /// The proof that goes with this row when it is passed on; none where it is not the row that was signed, or not known as a whole.
    pub(super) fn for_others(&self, told: &Told, version: u64) -> Option<Proof> {
        let is_whole = self.latest == version && told.digest() == self.row;
        is_whole.then_some(Proof { key: self.key, digest: self.page, signature: self.signature })
    }
}

impl Default for Checks {
    fn default() -> Self {
        Self { budget: RateLimiter::per_second(ROW_SIGNATURES_PER_SECOND, ROW_SIGNATURES_AT_ONCE) }
    }
}

impl Checks {
    /// Whether the owner of a row has said what stands in a page: which came from that one itself, or from another that passes the whole row
    /// on. None if that was found before.
    pub(super) fn check(
        &mut self,
        (head, entries): (&PageHead, &Entries<'_>),
        is_own: bool,
        known: Option<&Vouched>,
        ctx: &Context<'_>,
    ) -> Result<Option<Vouched>, Doubt> {
        let proof = head.proof.ok_or(Doubt::Unsigned)?;
        let still = (is_own && head.count == 0).then_some(*head);
        if still.is_some() && known.is_some_and(|known| known.still == still) {
            return Ok(None);
        }
        let passes_whole = head.from == 0 && head.upto == head.latest;
        let is_owners = NodeId(u128::from_be_bytes(id_of(&proof.key))) == head.owner;
        if !is_owners || !if is_own { head.age_ms == 0 } else { passes_whole } {
            return Err(Doubt::Unsigned);
        }
        let (row, page) = if is_own {
            (proof.digest, page_digest(head, entries.bytes()))
        } else {
            let mut told = Told::default();
            entries.clone().for_each(|entry| told.take(&entry));
            (told.digest(), proof.digest)
        };
        let statement = statement(&ctx.config.group, head, &row, &page).ok_or(Doubt::Unsigned)?;
        let Proof { key, signature, .. } = proof;
        let statement = statement.into();
        let vouched = Vouched { key, row, page, signature, statement, latest: head.latest, still };
        if known == Some(&vouched) {
            return Ok(None);
        }
        if !self.budget.take(ctx.now) {
            return Err(Doubt::NotNow);
        }
        if is_signed(&key, &vouched.statement, &signature) { Ok(Some(vouched)) } else { Err(Doubt::Unsigned) }
    }
}

impl Signing {
    /// Takes what the row tells of a node from now on.
    pub(super) fn tell(&mut self, entry: &Entry<'_>) {
        self.told.take(entry);
        self.digest = None;
    }

    /// The row tells of a node no longer.
    pub(super) fn forget(&mut self, id: NodeId) {
        self.told.forget(id);
        self.digest = None;
    }

    /// Takes the name and the address of a node of which the row tells: whether they are others than it told.
    pub(super) fn renames(&mut self, entry: &Entry<'_>) -> bool {
        let Entry { name, ip, port, .. } = *entry;
        let Some(told) = self.told.entry(entry.id) else { return false };
        let is_other = (told.name, told.ip, told.port) != (name, ip, port);
        if is_other {
            let form = form_of(&Entry { port, ip, name, ..told });
            self.told.entries.insert(entry.id, form);
            self.digest = None;
        }
        is_other
    }

    /// What the row tells of a node, without ages.
    pub(super) fn told(&self, id: NodeId) -> Option<Entry<'_>> {
        self.told.entry(id)
    }

    /// Signs a page of the row; none without a secret.
    pub(super) fn prove(&mut self, head: &PageHead, entries: &[u8], ctx: &Context<'_>) -> Option<Proof> {
        let key = ctx.config.key.as_ref()?;
        if let Some((_, proof)) = self.still.filter(|(signed, _)| signed == head) {
            return Some(proof);
        }
        let known = self.digest.filter(|(version, _)| *version == head.latest);
        let digest = known.map_or_else(|| self.told.digest(), |(_, digest)| digest);
        self.digest = Some((head.latest, digest));
        let statement = statement(&ctx.config.group, head, &digest, &page_digest(head, entries))?;
        if let Some((_, proof)) = self.last.as_ref().filter(|(signed, _)| *signed == statement) {
            return Some(*proof);
        }
        let proof = Proof { key: key.public(), digest, signature: key.sign(&statement) };
        if head.count == 0 {
            self.still = Some((*head, proof));
        } else {
            self.last = Some((statement, proof));
        }
        Some(proof)
    }
}

/// An entry as it is signed.
fn form_of(entry: &Entry<'_>) -> Box<[u8]> {
    let mut form = Vec::with_capacity(64);
    append(&Entry { checked: NEVER, alive: NEVER, ..*entry }, &mut form);
    form.into()
}

/// Of a page as its owner sent it.
fn page_digest(head: &PageHead, entries: &[u8]) -> Digest {
    let begun = Sha256::new().chain_update(b"vigie 1 row page\0");
    let versions = begun.chain_update(head.from.to_be_bytes()).chain_update(head.upto.to_be_bytes());
    versions.chain_update(entries).finalize().into()
}

/// What is signed; none where the head leaves something of it out.
fn statement(group: &str, head: &PageHead, row: &Digest, page: &Digest) -> Option<Vec<u8>> {
    let length = [u8::try_from(group.len()).ok()?];
    Some(
        [
            b"vigie 1 row\0",
            &length[..],
            group.as_bytes(),
            &head.owner.0.to_be_bytes(),
            &head.incarnation.0.to_be_bytes(),
            &head.latest.to_be_bytes(),
            &head.dial_interval_ms?.to_be_bytes(),
            row,
            page,
        ]
        .concat(),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::bed::{FAILING, FINE};
    use super::super::own_row::OwnRow;
    use super::super::page::{self, entry};
    use super::super::relay::append_wanted;
    use super::super::remote_rows::RemoteRows;
    use super::*;
    use crate::engine::Incarnation;
    use crate::engine::context::TestContext;
    use crate::engine::limits::{MAX_PAGES_UNCHECKED, ROW_CHECKS_IN_A_SLICE, ROW_CHECKS_PAUSE};
    use crate::engine::observation::Observation;
    use crate::engine::peers::{PeerTable, Via};
    use crate::proto::rows::{RowRequest, pages};
    use crate::secret::Secret;
    use crate::secret::signing::NodeKey;
    use crate::secret::text::{KEY, Key, SecretText};
    use crate::testkit::{self, ms, secs};

    /// A node under a secret: its own row, and those of others.
    struct Node {
        test: TestContext,
        peers: PeerTable,
        row: OwnRow,
        rows: RemoteRows,
    }

    impl Node {
        /// Each number has a key of its own; all are in one group.
        fn new(n: u64) -> Self {
            let test = TestContext::new(|config| {
                let text = SecretText { used: Key::new([1; KEY]), others: Vec::new(), hide: false };
                let secret = Some(Arc::new(Secret::new(&text, "default")));
                *config = crate::engine::config::Config { secret, ..testkit::config(n) }.signing();
            });
            Self { test, peers: PeerTable::default(), row: OwnRow::default(), rows: RemoteRows::default() }
        }

        fn id(&mut self) -> NodeId {
            self.test.context().config.id
        }

        /// It sees a node so, which is called so.
        fn sees(&mut self, id: u8, name: &str, seen: Observation) {
            let identity = (NodeId(id.into()), Incarnation(1));
            let addr = ([10, 0, 0, id], 17_474).into();
            let key = self.peers.by_id(identity.0).unwrap_or_else(|| {
                let ctx = &mut self.test.context();
                self.peers.discover(addr, Some(identity), name, Via::Broadcast, ctx).unwrap()
            });
            let peer = self.peers.get_mut(key).unwrap();
            peer.prove(peer.ip(), &mut self.test.context());
            peer.change_info(|info| name.clone_into(&mut info.name));
            peer.set_observation(seen);
            let _ = self.row.advertise(peer, false, &mut self.test.context());
        }

        /// The page of its own row for one who has this version.
        fn page(&mut self, has: u64) -> Vec<u8> {
            self.row.page_for_reply(has, &[], &self.peers, &self.test.context()).bytes
        }

        /// Takes what one tells.
        fn takes(&mut self, bytes: &[u8], teller: NodeId) -> Signed {
            let (peers, ctx) = (&self.peers, self.test.context());
            let mut signed = self.rows.handle_pages(bytes, teller, |_, _| true, peers, &ctx);
            while self.rows.checks_due().is_some() {
                let found = self.rows.check_some(peers, &ctx);
                signed = found.into_iter().fold(signed, |signed, (_, next)| signed.and(next));
            }
            signed
        }

        /// What it knows of a row: up to which version, and whether each node is fine.
        fn knows(&self, owner: NodeId) -> Option<(u64, Vec<(u128, bool)>)> {
            let row = self.rows.of(owner)?;
            let told = |(id, seen): (&NodeId, &Observation)| (id.0, seen.is_fine());
            let mut all: Vec<_> = row.observations().iter().map(told).collect();
            all.sort_unstable();
            Some((row.version(), all))
        }

        /// What it passes on of a row to one who has this version of it.
        fn passes_on(&mut self, owner: NodeId, version: u64) -> Vec<u8> {
            let want = RowRequest { owner, incarnation: Incarnation(1_000), version };
            let mut bytes = Vec::new();
            let ctx = self.test.context();
            append_wanted(&mut bytes, &self.rows, &[want], NodeId(99), &self.peers, &ctx);
            bytes
        }
    }

    /// A page with another head, or other entries.
    fn changed(
        bytes: &[u8],
        head: impl Fn(&mut PageHead),
        entry: impl Fn(&mut Entry<'_>) -> bool,
    ) -> Vec<u8> {
        let (mut new, told) = pages(bytes).next().unwrap();
        let (mut entries, mut count) = (Vec::new(), 0);
        for mut one in told {
            if entry(&mut one) {
                append(&one, &mut entries);
                count += 1;
            }
        }
        new.count = count;
        head(&mut new);
        page::page(&new, &entries)
    }

    #[test]
    fn a_page_of_its_owner_is_taken_and_none_that_another_has_changed_or_made_up() {
        let (mut owner, mut reader) = (Node::new(1), Node::new(2));
        let id = owner.id();
        owner.sees(7, "seven", FINE());
        owner.sees(8, "eight", FAILING());
        let told = owner.page(0);
        for at in 0..told.len() {
            let mut wrong = told.clone();
            wrong[at] ^= 1;
            reader.test.now += secs(1);
            assert_ne!(reader.takes(&wrong, id), Signed::Yes, "byte {at}");
            assert_eq!(reader.knows(id), None, "byte {at}");
        }
        let mut liar = Node::new(3);
        liar.sees(7, "seven", FAILING());
        let its_own = liar.page(0);
        for (what, forged) in [
            ("its own page in another's name", changed(&its_own, |head| head.owner = id, |_| true)),
            ("without a proof", changed(&told, |head| head.proof = None, |_| true)),
            ("nothing, without a proof", changed(&told, |head| head.proof = None, |_| false)),
            ("less of it", changed(&told, |_| {}, |entry| entry.id == NodeId(7))),
            ("more versions", changed(&told, |head| head.latest += 1, |_| true)),
            ("of another life", changed(&told, |head| head.incarnation.0 += 1, |_| true)),
            ("of another time", changed(&told, |head| head.age_ms = 1, |_| true)),
            ("without an interval", changed(&told, |head| head.dial_interval_ms = None, |_| true)),
        ] {
            assert_eq!(reader.takes(&forged, id), Signed::No, "{what}");
            assert_eq!(reader.knows(id), None, "{what}");
        }
        assert_eq!(reader.takes(&told, id), Signed::Yes);
        let known = Some((2, vec![(7, true), (8, false)]));
        assert_eq!(reader.knows(id), known);
        // What is forged now costs the owner nothing, and the rest of the message is taken.
        let liar_id = liar.id();
        let forged =
            [changed(&its_own, |head| (head.owner, head.latest) = (id, 9), |_| true), its_own].concat();
        assert_eq!(reader.takes(&forged, id), Signed::No);
        assert_eq!(reader.knows(id), known);
        assert_eq!(reader.takes(&told, liar_id), Signed::No, "as if it were passed on");
    }

    #[test]
    fn what_is_new_of_a_row_is_its_owners_word_in_parts_too_and_behind_a_gap() {
        let (mut owner, mut reader) = (Node::new(1), Node::new(2));
        let id = owner.id();
        owner.sees(7, "seven", FINE());
        assert_eq!(reader.takes(&owner.page(0), id), Signed::Yes);
        owner.sees(8, "eight", FINE());
        let second = owner.page(1);
        owner.sees(9, "nine", FINE());
        let third = owner.page(2);
        let news = |node: &mut Node, bytes: &[u8]| {
            let ctx = node.test.context();
            node.rows.handle_news(bytes, id, &node.peers, &ctx)
        };
        assert_eq!(news(&mut reader, &third), Signed::Yes);
        assert_eq!(reader.knows(id), Some((1, vec![(7, true), (9, true)])), "the second is missing");
        assert!(reader.passes_on(id, 0).is_empty(), "nobody has signed such a row");
        assert_eq!(news(&mut reader, &second), Signed::Yes);
        assert_eq!(news(&mut reader, &third), Signed::Yes);
        assert_eq!(reader.knows(id), Some((3, vec![(7, true), (8, true), (9, true)])));
        assert_eq!(news(&mut reader, &second), Signed::Unseen, "it is known, and not looked at");
        let mut forged = third.clone();
        *forged.last_mut().unwrap() ^= 1;
        let mut newcomer = Node::new(3);
        assert_eq!(news(&mut newcomer, &forged), Signed::No);
    }

    #[test]
    fn rows_that_are_passed_on_are_checked_a_few_at_a_time_and_none_takes_the_place_of_a_newer_one() {
        let (mut between, mut reader) = (Node::new(2), Node::new(3));
        let teller = between.id();
        let mut owners: Vec<Node> = (10..20).map(Node::new).collect();
        let mut told = Vec::new();
        for owner in &mut owners {
            let id = owner.id();
            owner.sees(7, "seven", FAILING());
            assert_eq!(between.takes(&owner.page(0), id), Signed::Yes);
            told.extend(between.passes_on(id, 0));
        }
        let ids: Vec<NodeId> = owners.iter_mut().map(Node::id).collect();
        let (peers, ctx) = (&reader.peers, reader.test.context());
        assert_eq!(reader.rows.handle_pages(&told, teller, |_, _| true, peers, &ctx), Signed::Unseen);
        assert!(ids.iter().all(|id| reader.rows.of(*id).is_none()), "none is looked at in this step");
        assert_eq!(reader.rows.checks_due(), Some(ctx.now + ROW_CHECKS_PAUSE));
        // The last of them is told by its owner meanwhile, in its next version.
        owners[9].sees(7, "seven", FINE());
        let newer = owners[9].page(0);
        let _ = reader.rows.handle_pages(&newer, ids[9], |_, _| true, peers, &ctx);
        let mut slices = Vec::new();
        while reader.rows.checks_due().is_some() {
            slices.push(reader.rows.check_some(&reader.peers, &reader.test.context()).len());
        }
        assert_eq!(
            slices,
            [ROW_CHECKS_IN_A_SLICE, ROW_CHECKS_IN_A_SLICE, 1],
            "what is older is not looked at"
        );
        for (nth, id) in ids.iter().enumerate() {
            let fine = nth == 9;
            assert_eq!(reader.knows(*id).map(|(_, seen)| seen), Some(vec![(7, fine)]), "{nth}");
        }
        for _ in 0..20 {
            let _ =
                reader.rows.handle_pages(&told, teller, |_, _| true, &reader.peers, &reader.test.context());
        }
        let all: usize = std::iter::from_fn(|| {
            reader.rows.checks_due()?;
            reader.test.now += ROW_CHECKS_PAUSE;
            Some(reader.rows.check_some(&reader.peers, &reader.test.context()).len())
        })
        .sum();
        assert!(all <= MAX_PAGES_UNCHECKED, "there is no room for more: {all}");
    }

    #[test]
    fn a_row_that_is_passed_on_is_its_owners_word_but_for_its_age() {
        let (mut owner, mut between, mut reader) = (Node::new(1), Node::new(2), Node::new(3));
        let (id, teller) = (owner.id(), between.id());
        owner.sees(7, "seven", FINE());
        owner.sees(8, "eight", FAILING());
        assert_eq!(between.takes(&owner.page(0), id), Signed::Yes);
        owner.sees(8, "eight", FINE());
        owner.sees(9, "nine", FINE());
        between.test.now += secs(1);
        assert_eq!(between.takes(&owner.page(2), id), Signed::Yes, "what changed");
        between.test.now += ms(700);
        let told = between.passes_on(id, 0);
        let untouched = |_: &mut PageHead| {};
        for (what, forged) in [
            ("left out", changed(&told, untouched, |entry| entry.id != NodeId(9))),
            (
                "another way",
                changed(&told, untouched, |entry| {
                    entry.ways = 2;
                    true
                }),
            ),
            (
                "another address",
                changed(&told, untouched, |entry| {
                    entry.port = 0;
                    true
                }),
            ),
            (
                "another name",
                changed(&told, untouched, |entry| {
                    entry.name = "x";
                    true
                }),
            ),
            ("a newer version", changed(&told, |head| (head.upto, head.latest) = (9, 9), |_| true)),
            ("as what changed", changed(&told, |head| head.from = 2, |_| true)),
            ("without a proof", changed(&told, |head| head.proof = None, |_| true)),
            ("another interval", changed(&told, |head| head.dial_interval_ms = Some(1), |_| true)),
        ] {
            assert_eq!(reader.takes(&forged, teller), Signed::No, "{what}");
            assert_eq!(reader.knows(id), None, "{what}");
        }
        assert_eq!(reader.takes(&told, teller), Signed::Yes);
        let known = Some((4, vec![(7, true), (8, true), (9, true)]));
        assert_eq!(reader.knows(id), known);
        assert_eq!(reader.passes_on(id, 0).len(), told.len(), "and so on");
        // That it still stands needs no signature. That it stands in a version that the reader does not have says nothing.
        let stands = between.passes_on(id, 4);
        reader.test.now += secs(5);
        let before = reader.rows.of(id).unwrap().confirmed();
        assert_eq!(reader.takes(&stands, teller), Signed::Yes);
        assert!(reader.rows.of(id).unwrap().confirmed() > before);
        let later = |head: &mut PageHead| (head.from, head.upto, head.latest) = (9, 9, 9);
        assert_eq!(reader.takes(&changed(&stands, later, |_| true), teller), Signed::Unseen);
        assert_eq!(reader.knows(id), known);
    }

    #[test]
    fn what_an_owner_said_before_is_not_taken_again_for_what_it_says_now() {
        let (mut owner, mut reader) = (Node::new(1), Node::new(2));
        let id = owner.id();
        owner.sees(7, "seven", FAILING());
        let before = owner.page(0);
        owner.sees(7, "seven", FINE());
        assert_eq!(reader.takes(&owner.page(0), id), Signed::Yes);
        for teller in [id, NodeId(99)] {
            assert_eq!(reader.takes(&before, teller), Signed::Unseen);
            assert_eq!(reader.knows(id), Some((2, vec![(7, true)])));
        }
    }

    #[test]
    fn another_name_is_another_version_so_that_a_row_can_be_passed_on() {
        let (mut owner, mut between) = (Node::new(1), Node::new(2));
        let id = owner.id();
        owner.sees(7, "seven", FINE());
        assert_eq!(between.takes(&owner.page(0), id), Signed::Yes);
        owner.sees(7, "otherwise", FINE());
        assert_eq!(between.takes(&owner.page(1), id), Signed::Yes);
        assert_eq!(between.knows(id), Some((2, vec![(7, true)])));
        let told = between.passes_on(id, 0);
        let names: Vec<String> =
            pages(&told).flat_map(|(_, entries)| entries).map(|entry| entry.name.to_owned()).collect();
        assert_eq!(names, ["otherwise"]);
    }

    #[test]
    fn signatures_are_checked_once_and_not_more_of_them_than_there_is_time_for() {
        let (mut owner, mut reader) = (Node::new(1), Node::new(2));
        let id = owner.id();
        owner.sees(7, "seven", FINE());
        let told = owner.page(0);
        assert_eq!(reader.takes(&told, id), Signed::Yes);
        let stands = owner.page(1);
        assert_eq!(reader.takes(&stands, id), Signed::Yes);
        let mut forged = stands.clone();
        *forged.last_mut().unwrap() ^= 1;
        let looked_at = (0..200).filter(|_| reader.takes(&forged, id) == Signed::No).count();
        assert_eq!(looked_at, usize::try_from(ROW_SIGNATURES_AT_ONCE).unwrap() - 2);
        assert_eq!(reader.takes(&stands, id), Signed::Yes, "it was checked before");
        owner.sees(8, "eight", FINE());
        let new = owner.page(1);
        assert_eq!(reader.takes(&new, id), Signed::Unseen, "it is told again");
        reader.test.now += ms(10);
        assert_eq!(reader.takes(&new, id), Signed::Yes);
    }

    #[test]
    fn a_node_without_a_secret_signs_nothing_and_takes_what_is_signed_as_what_is_not() {
        let (mut owner, mut open) = (Node::new(1), Node::new(2));
        open.test = TestContext::new(|_| {});
        owner.sees(7, "seven", FINE());
        open.sees(7, "seven", FINE());
        assert_eq!(pages(&open.page(0)).next().unwrap().0.proof, None);
        let id = owner.id();
        assert_eq!(open.takes(&owner.page(0), id), Signed::Yes);
        assert_eq!(open.knows(id), Some((1, vec![(7, true)])));
        assert_eq!(pages(&open.passes_on(id, 0)).next().unwrap().0.proof, None);
    }

    #[test]
    fn a_key_that_makes_no_id_of_the_owner_signs_nothing_for_it() {
        let (key, mut reader) = (NodeKey::from_seed(&[9; 32]), Node::new(2));
        let told = entry(NodeId(7), &FINE(), "seven", "10.0.0.7:1".parse().unwrap(), reader.test.now);
        let mut entries = Vec::new();
        append(&told, &mut entries);
        let mut head = PageHead {
            owner: NodeId(5),
            incarnation: Incarnation(1),
            from: 0,
            upto: 1,
            latest: 1,
            age_ms: 0,
            count: 1,
            dial_interval_ms: Some(10_000),
            proof: None,
        };
        for (owner, signed) in [(NodeId(5), Signed::No), (NodeId(u128::from_be_bytes(key.id())), Signed::Yes)]
        {
            head.owner = owner;
            let statement = statement("default", &head, &[0; 32], &page_digest(&head, &entries)).unwrap();
            let proof = Proof { key: key.public(), digest: [0; 32], signature: key.sign(&statement) };
            let page = page::page(&PageHead { proof: Some(proof), ..head }, &entries);
            assert_eq!(reader.takes(&page, owner), signed);
        }
    }

    #[test]
    fn rows_are_signed_as_the_vectors_say_and_nothing_that_is_forged_there_is_taken() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../docs/protocol-vectors.json")).unwrap();
        let unhex = |digits: &str| -> Vec<u8> {
            let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
            (0..digits.len()).step_by(2).map(byte).collect()
        };
        for case in vectors["rows"].as_array().unwrap() {
            let bytes = |name: &str| unhex(case[name].as_str().unwrap());
            let key = NodeKey::of_vectors(&bytes("private_key").try_into().unwrap());
            assert_eq!(key.public()[..], bytes("public_key"));
            assert_eq!(key.id()[..], bytes("id"));
            let (page, passed_on) = (bytes("page"), bytes("passed_on"));
            let (head, entries) = pages(&page).next().unwrap();
            let mut told = Told::default();
            entries.clone().for_each(|entry| told.take(&entry));
            assert_eq!(told.digest()[..], bytes("row_digest"));
            assert_eq!(page_digest(&head, entries.bytes())[..], bytes("page_digest"));
            let mut owner = Node::new(1);
            owner.test = TestContext::new(|config| config.key = Some(key.clone()));
            let mut signing = Signing::default();
            entries.clone().for_each(|entry| signing.tell(&entry));
            let proof = signing.prove(&head, entries.bytes(), &owner.test.context());
            assert_eq!(proof, head.proof);
            assert_eq!(proof.unwrap().signature[..], bytes("signature"));
            for (from, bytes) in [(head.owner, &page), (NodeId(99), &passed_on)] {
                assert_eq!(Node::new(2).takes(bytes, from), Signed::Yes);
            }
            for (what, forged) in case["forged"].as_object().unwrap() {
                let forged = unhex(forged.as_str().unwrap());
                let (head, _) = pages(&forged).next().unwrap();
                let from = if what.starts_with("own") { head.owner } else { NodeId(99) };
                assert_eq!(Node::new(2).takes(&forged, from), Signed::No, "{what}");
            }
        }
    }
}
