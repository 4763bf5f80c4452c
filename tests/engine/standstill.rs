//! A process that stood still reads what came meanwhile: it is as old as that.

use vigie::engine::event::Event;
use vigie::engine::verdict::Verdict;
use vigie::testkit::{Lan, ms, secs};

#[test]
fn what_waited_for_a_stopped_process_is_no_sign_of_life_of_those_who_were_cut_off_meanwhile() {
    for seed in 0..8 {
        let mut lan = Lan::new(seed);
        let hosts = lan.hosts(5);
        lan.run_for(secs(40) + ms(seed * 731 % 10_000));
        lan.pause(hosts[2]);
        lan.run_for(secs(3) + ms(seed * 977 % 4_000));
        lan.partition(&[hosts[1], hosts[4]], &[hosts[0], hosts[2], hosts[3]]);
        lan.run_for(secs(50));
        lan.forget_the_log();
        lan.resume(hosts[2]);
        lan.run_for(secs(30));
        let wrong = lan.log.iter().filter_map(|logged| match &logged.event {
            Event::Diagnosis(finding)
                if !matches!(finding.verdict, Verdict::Ok | Verdict::Isolated | Verdict::HostDown) =>
            {
                Some(format!("{:?} h{}: {finding}", logged.at, logged.host.0))
            }
            _ => None,
        });
        let wrong: Vec<String> = wrong.collect();
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    }
}
