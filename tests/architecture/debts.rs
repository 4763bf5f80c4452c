//! Where a rule does not hold yet. The list only ever shrinks: a debt that is paid fails the tests until it is taken out.

/// The rule, and where it is broken.
pub(crate) const DEBTS: &[(&str, &str)] = &[];
