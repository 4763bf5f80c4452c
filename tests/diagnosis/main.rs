//! The diagnosis, judged: faults whose truth is known are made between real hosts, and what every node says is compared.
//!
//! - `faults`: the table of faults, with what each observer must say
//! - `scene`: one fault among four hosts, from a healthy network to a healthy network; what was told meanwhile
//! - `starved`: a process that is stopped and going
//! - `outcome`: the result of one fault, and the confusion matrix of all
#![allow(clippy::unwrap_used, reason = "a test fails where an expectation does not hold")]

#[path = "../support/mod.rs"]
mod support;

mod faults;
mod outcome;
mod scene;
mod starved;

use std::sync::{Mutex, PoisonError};

use faults::{Fault, Form};
use outcome::Outcome;
use scene::Program;
use support::lab::{Families, Lab, has_passed, within_each};
use support::node::{Ran, program};

/// Hosts of each lab.
const HOSTS: u8 = 4;
/// Labs at a time: a node mostly waits, and a fault takes half a minute from end to end. More of them keep two cores so busy
/// that echoes come late, and lateness looks like loss.
const AT_ONCE: usize = 6;

/// Held by the test whose labs run.
static TURN: Mutex<()> = Mutex::new(());

/// Only the faults whose name contains this are made, for a person who looks at one of them.
const ONLY: &str = "FAULT";

#[test]
fn every_fault_is_told_as_what_it_is_by_those_whom_it_concerns_and_nobody_else_is_accused() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let faults = wanted(faults::all().into_iter().map(|fault| (Form::Ipv4Alone, fault)).collect());
    let ran = within_each(Families::Ipv4, HOSTS, faults.len(), AT_ONCE, |lab, part| play(lab, &faults[part]));
    judge(&faults, ran);
}

#[test]
fn among_hosts_of_both_families_a_fault_in_both_is_told_and_one_in_ipv4_accuses_nobody_else() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let faults = wanted(faults::of_both_families());
    let ran = within_each(Families::Both, HOSTS, faults.len(), AT_ONCE, |lab, part| play(lab, &faults[part]));
    judge(&faults, ran);
}

fn wanted(faults: Vec<(Form, Fault)>) -> Vec<(Form, Fault)> {
    let only = std::env::var(ONLY).unwrap_or_default();
    faults.into_iter().filter(|(_, fault)| fault.name.contains(&only)).collect()
}

fn play(lab: &Lab, (form, fault): &(Form, Fault)) {
    outcome::print(&scene::play(lab, Program::quick(program()), *form, fault));
}

fn judge(faults: &[(Form, Fault)], ran: Option<Vec<Ran>>) {
    let Some(ran) = ran else { return };
    let outcomes: Vec<Outcome> = faults
        .iter()
        .zip(&ran)
        .map(|((_, fault), ran)| {
            if has_passed(ran) { outcome::read(&ran.out) } else { outcome::broken(fault, &ran.out, &ran.err) }
        })
        .collect();
    outcome::report(&outcomes);
    let wrong: Vec<&str> = outcomes.iter().filter(|o| !o.is_right()).map(|o| o.fault.as_str()).collect();
    assert!(wrong.is_empty(), "{} of {} faults are not told right: {wrong:?}", wrong.len(), outcomes.len());
}
