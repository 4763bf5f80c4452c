//! The page that is written: docs/scale.md.

use std::time::Duration;

use super::measure::{DATAGRAM_HEADERS, Figures, PACKETS_OF_AN_EXCHANGE, TCP_HEADERS};

pub(crate) fn row(figures: &Figures) -> String {
    #[expect(clippy::cast_precision_loss, reason = "to be printed with two digits")]
    let megabytes = figures.memory as f64 / 1e6;
    format!(
        "| {} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {:.2} | {} | {} | {} | {} | {} |",
        figures.nodes,
        time(figures.all_known),
        figures.dials,
        figures.datagrams_out,
        figures.packets_out,
        figures.packets_in,
        figures.bytes_out / 1e3,
        figures.entries,
        megabytes,
        time(figures.one_crash),
        figures.dials_of_the_victim,
        figures.datagrams_to_the_victim,
        time(figures.many_crashes),
        figures.accusations,
    )
}

fn time(time: Option<Duration>) -> String {
    time.map_or("not seen".into(), |time| match time.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    })
}

pub(crate) fn page(figures: &[Figures]) -> String {
    let rows: Vec<String> = figures.iter().map(row).collect();
    include_str!("method.md")
        .replace("{ROWS}", &rows.join("\n"))
        .replace("{DATAGRAM}", &DATAGRAM_HEADERS.to_string())
        .replace("{SEGMENT}", &TCP_HEADERS.to_string())
        .replace("{EXCHANGE}", &PACKETS_OF_AN_EXCHANGE.to_string())
}
