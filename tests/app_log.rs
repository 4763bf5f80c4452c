//! The log pane end to end. In a process of its own: tui-logger is global, and so is the subscriber.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use vigie::app::appearance::{Appearance, Theme};
use vigie::app::log::{self, LogPane};
use vigie::app::ui::Move;
use vigie::app::view::Canvas;

fn screen(pane: &mut LogPane, width: u16, height: u16) -> Vec<String> {
    log::take_lines(pane);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let appearance = Appearance::new(Theme::PLAIN);
    terminal
        .draw(|frame| {
            let area = frame.area();
            pane.render(&mut Canvas::new(frame.buffer_mut(), &appearance, vigie::testkit::t0()), area);
        })
        .unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(usize::from(width.max(1)));
    rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned())
        .collect()
}

#[test]
fn what_is_traced_is_shown_scrolls_and_survives_every_size() {
    let subscriber =
        tracing_subscriber::registry().with(log::init(Targets::new().with_default(LevelFilter::DEBUG)));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let mut pane = LogPane::default();
    assert!(screen(&mut pane, 60, 5).iter().all(String::is_empty));

    tracing::info!(target: "vigie::net", "listening on port 17474");
    tracing::debug!("details");
    tracing::trace!("more than was asked for");
    tracing::warn!("{}", "long ".repeat(1_000_000));
    let lines = screen(&mut pane, 60, 20);
    assert!(lines[0].ends_with("INFO  net: listening on port 17474"), "{lines:#?}");
    assert!(lines[1].contains("DEBUG") && lines[1].ends_with("details"), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("more than")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.ends_with('…')), "the long one is cut");

    for i in 0..100 {
        tracing::error!("line {i}");
    }
    let newest = |lines: &[String]| lines.last().cloned().unwrap_or_default();
    let lines = screen(&mut pane, 60, 50);
    assert!((50..100).zip(&lines).all(|(i, line)| line.ends_with(&format!("line {i}"))), "{lines:#?}");
    assert!(newest(&screen(&mut pane, 60, 10)).ends_with("line 99"));
    pane.go(Move::PageUp);
    assert!(!pane.follows());
    let before = screen(&mut pane, 60, 10);
    tracing::error!("line 100");
    assert_eq!(screen(&mut pane, 60, 10), before, "what is being read stays");
    pane.follow();
    assert!(newest(&screen(&mut pane, 60, 10)).ends_with("line 100"));

    for width in 0..70 {
        for height in [0, 1, 2, 5] {
            pane.go(Move::PageUp);
            screen(&mut pane, width, height);
            pane.go(Move::PageDown);
            screen(&mut pane, width, height);
        }
    }

    pane.follow();
    for i in 0..5_000 {
        tracing::info!("flood {i}");
    }
    let lines = screen(&mut pane, 100, 10);
    assert!(newest(&lines).ends_with("flood 4999"), "{lines:#?}");
    assert!(!pane.title().contains("recorded"), "{}", pane.title());
    pane.set_search("events lost");
    let lines = screen(&mut pane, 100, 10);
    assert!(
        lines.iter().any(|line| line.contains("recorded out of 5000")),
        "what overflows is told: {lines:#?}"
    );
}
