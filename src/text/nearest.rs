//! Which of the known names a mistyped one may be meant to be.

/// The nearest name, as the end of a sentence; nothing where no name is known.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let likeness = |name: &&str| strsim::jaro(name, typed);
    let nearest = known.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    nearest.map(|nearest| format!("; the nearest name is {nearest}")).unwrap_or_default()
}
