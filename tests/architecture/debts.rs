//! Where a rule does not hold yet. The list only ever shrinks: a debt that is paid fails the tests until it is taken out.

/// The rule, and where it is broken.
pub(crate) const DEBTS: &[(&str, &str)] = &[
    ("a part never names Engine", "engine/diagnosis/judge.rs"),
    ("a part never names another part", "there is no FindingTracker in engine/diagnosis/"),
    ("children use no parent that uses them", "app/view/attempts.rs → app/view/mod.rs"),
    ("children use no parent that uses them", "app/view/details/mod.rs → app/view/mod.rs"),
    ("children use no parent that uses them", "app/view/header.rs → app/view/mod.rs"),
    ("children use no parent that uses them", "app/view/matrix/legend.rs → app/view/matrix/mod.rs"),
    ("children use no parent that uses them", "app/view/matrix/mod.rs → app/view/mod.rs"),
    ("children use no parent that uses them", "app/view/matrix/pair.rs → app/view/matrix/mod.rs"),
    ("children use no parent that uses them", "app/view/matrix/table.rs → app/view/matrix/mod.rs"),
    ("children use no parent that uses them", "app/view/overlay.rs → app/view/mod.rs"),
    ("children use no parent that uses them", "app/view/peers.rs → app/view/mod.rs"),
    ("children use no parent that uses them", "app/view/timeline.rs → app/view/mod.rs"),
    ("children use no parent that uses them", "app/view/title.rs → app/view/mod.rs"),
    ("children use no parent that uses them", "engine/diagnosis/judge.rs → engine/mod.rs"),
    ("children use no parent that uses them", "engine/diagnosis/patterns.rs → engine/diagnosis/mod.rs"),
    ("no import cycles", "engine/diagnosis/patterns.rs → engine/diagnosis/words.rs"),
    ("no import cycles", "engine/diagnosis/verdict.rs → engine/peers/snapshot.rs"),
    ("no import cycles", "engine/diagnosis/words.rs → engine/diagnosis/patterns.rs"),
    ("no import cycles", "engine/peers/snapshot.rs → engine/diagnosis/verdict.rs"),
    ("the engine holds no shell command", "engine/diagnosis/words.rs"),
    ("the engine knows no system", "engine/diagnosis/words.rs"),
    ("the engine uses proto only", "engine/diagnosis/words.rs uses text/durations.rs"),
];
