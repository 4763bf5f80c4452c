//! Pairs that fail together are one incident: a column, a row, a block of the matrix, or a few pairs here and there.
//!
//! Every pair belongs to one incident: each pattern takes its pairs out of those that are left. No pattern looks at all
//! pairs more than a fixed number of times, whatever the verdicts are.
//!
//! - `background_loss`: what no host is at fault for
//! - `missing_broadcasts`: those that chance may have lost
//! - `failures`: the pairs that are left, and the verdict that stands for several
//! - `slow_hosts`: hosts that answer late
//! - `flapping`: hosts that come and go
//! - `own_filter`, `own_fault`, `wrong_masks`, `segments`, `islands`, `single_hosts`, `pairs`: the patterns
//! - `duplicates`: what is wrong with nodes rather than with pairs

mod background_loss;
mod cut_off;
mod duplicates;
mod failures;
mod flapping;
mod islands;
mod missing_broadcasts;
mod network_paths;
mod own_fault;
mod own_filter;
mod pairs;
#[cfg(test)]
mod random;
mod segments;
mod single_hosts;
mod slow_hosts;
mod wrong_masks;

pub(super) use failures::Verdicts;

use failures::Failures;

use super::grid::NodeIdx;
use super::incident::Incident;
use super::network_view::NetworkView;

/// Takes out what no host is at fault for. `steps` counts the pairs that are looked at.
pub(super) fn background(view: &NetworkView, verdicts: &mut Verdicts, steps: &mut usize) -> Option<Incident> {
    missing_broadcasts::leave_out_chance(view, verdicts, steps);
    background_loss::background_loss(view, verdicts, steps)
}

/// Groups all pairs that are not well, and finds what is wrong with single nodes. `steps` counts the pairs that are looked at.
pub(super) fn incidents(view: &NetworkView, verdicts: &Verdicts, steps: &mut usize) -> Vec<Incident> {
    let mut failures = Failures::new(verdicts);
    let mut incidents = Vec::new();
    incidents.extend(duplicates::address_conflicts(view, &mut failures));
    incidents.extend(slow_hosts::slow_hosts(view, &mut failures));
    incidents.extend(flapping::flapping(view, &mut failures));
    incidents.extend(own_filter::own_filter(view, &mut failures));
    let split = own_fault::split_network(view, &mut failures);
    incidents.extend(own_fault::own_fault(view, &mut failures, verdicts).or(split));
    incidents.extend(wrong_masks::wrong_masks(view, &mut failures));
    incidents.extend(segments::between_segments(view, &mut failures, verdicts));
    incidents.extend(islands::vanished_together(view, &mut failures, verdicts));
    incidents.extend(islands::islands(&mut failures));
    let dialed = |from: NodeIdx, to: NodeIdx| {
        let told = view.observation(from, to).and_then(|seen| seen.checked);
        // Of dials of this node it is known here when the last one came.
        if to.is_self() { told.max(view.node(from).served) } else { told }
    };
    let hosts = single_hosts::single_hosts(&mut failures, verdicts, dialed);
    incidents.retain(|incident| !single_hosts::explain(&hosts, incident));
    incidents.extend(hosts);
    incidents.extend(pairs::pairs(view, &failures, verdicts));
    incidents.extend(duplicates::duplicate_names(view));
    *steps += failures.steps();
    incidents
}
