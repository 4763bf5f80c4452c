//! The short form of `make accuracy`: fixed seeds, and every count as it was when it was last looked at. A change of the diagnosis
//! shows here as a difference, for better or worse.
#![allow(clippy::unwrap_used, reason = "a test fails where an expectation does not hold")]

#[expect(dead_code, reason = "its main takes the arguments of this test, and writes the page")]
#[path = "../../examples/accuracy/main.rs"]
mod accuracy;

use accuracy::{failures, one_fault, whole};

/// Two run side by side, as many as the smallest machine of CI has cores.
const THREADS: usize = 2;
const EXPECTED: &str = include_str!("expected.txt");

#[test]
fn the_diagnosis_of_networks_with_fixed_seeds_is_as_right_as_it_was() {
    let plan = whole::drawn(whole::SHORT, 100);
    let outcomes = whole::play_all(&plan, THREADS);
    let exact = whole::exact(&whole::sum(&outcomes));
    let differ: Vec<String> = exact
        .lines()
        .zip(EXPECTED.lines())
        .filter(|(now, before)| now != before)
        .map(|(now, before)| format!("  {before}\n    now {now}"))
        .collect();
    assert!(
        exact == EXPECTED,
        "the diagnosis is not what it was:\n{}\n\nIf that is meant: make accuracy ARGS=--short\n\n{}",
        differ.join("\n"),
        failures::list(&plan, &outcomes).lines().take(60).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn a_network_is_judged_alike_each_time_it_is_played() {
    let plan = whole::drawn(&[(20, [1, 0, 0]), (5, [3, 3, 3])], 100);
    let by = |threads| whole::exact(&whole::sum(&whole::play_all(&plan, threads)));
    assert_eq!(by(1), by(THREADS));
}

/// A fifth of those of the whole form: two minutes of a core.
const SHARE: u64 = 5;

#[test]
fn with_one_fault_in_a_network_nobody_is_accused_of_anything_else() {
    let outcome = one_fault::play(0..one_fault::NETWORKS / SHARE, THREADS);
    assert!(outcome.wrong.is_empty(), "{} are wrong:\n{}", outcome.wrong.len(), outcome.wrong.join("\n"));
    for (fault, (of, times)) in &outcome.told {
        let enough = match *fault {
            // Three broadcasts must be missing before they are called blocked, and that may take longer.
            fault if fault.contains("broadcasts") => 80,
            // What a host loses must be more than chance explains, and that takes many packets.
            "loss" => 95,
            _ => 97,
        };
        assert!(*fault == "none" || times * 100 >= of * enough, "{fault}: told {times} times of {of}");
    }
}

#[test]
fn when_a_fault_ends_nobody_else_is_accused_and_all_that_was_told_is_withdrawn() {
    let wrong = one_fault::recover(0..one_fault::RECOVERIES / SHARE, THREADS);
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
