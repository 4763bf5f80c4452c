//! The first lines: who and where this node is, how its peers are, and whether the display can be trusted.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::canvas::Canvas;
use crate::app::appearance::Theme;
use crate::app::appearance::signs::glyph;
use crate::app::model::Model;
use crate::app::state::Models;
use crate::app::{Options, ShownNode};
use crate::engine::config::DialInterval;
use crate::engine::interface::{Interface, InterfaceKind};
use crate::engine::limits::AUTO_DIAL_INTERVAL;
use crate::engine::peers::PeerState;
use crate::text::{Age, Count, chief_addresses, columns, fit};

/// How long missed events are told after the last of them: the next snapshot has made the display right long
/// before, and a person should still see that there were any.
const MISSED_SHOWN: Duration = Duration::from_secs(10);

/// Columns of the clock, with a blank before it.
const CLOCK: u16 = 9;

/// Draws the header: identity and counts in two lines, or the counts in one.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, app: (&Models, Options, bool), now: Instant) {
    let (models, options, records) = app;
    let theme = canvas.theme();
    let counts_line = area.height.saturating_sub(1);
    if counts_line > 0 {
        let line = identity(models.shown(), options, theme, usize::from(area.width - CLOCK.min(area.width)));
        canvas.put_spans(area, 0, &line);
        clock(canvas, area, models.wall(now));
    }
    let mut alerts = alerts(models, theme, models.live_at(now));
    if records {
        alerts.push(Span::styled(" REC ", theme.alarm()));
    }
    alerts.extend(played(models, now).map(|played| Span::styled(played, theme.strong())));
    let room = area.width.saturating_sub(width(&alerts));
    let mut spans = counts(models.shown(), theme, usize::from(room));
    let name = Span::styled(format!("{}  ", name(models.shown())), theme.strong());
    // How the peers are matters more than who looks on.
    if counts_line == 0 && width(&spans) + width(std::slice::from_ref(&name)) <= room {
        spans.insert(0, name);
    }
    let (left, right) =
        (Rect { width: room, ..area }, Rect { x: area.x + room, width: area.width - room, ..area });
    canvas.put_spans(left, counts_line, &Line::from(spans));
    canvas.put_spans(right, counts_line, &Line::from(alerts));
}

/// The time of day, as the last event told it: the times in the lists are compared with it.
fn clock(canvas: &mut Canvas<'_>, area: Rect, wall: Option<SystemTime>) {
    let Some(wall) = wall else { return };
    let (hour, minute, second) = canvas.appearance().time_of_day(wall);
    let style = canvas.theme().dim();
    let mut writer = canvas.stretch(area.right().saturating_sub(CLOCK), area.y, CLOCK.min(area.width));
    writer.format(style, format_args!("{hour:02}:{minute:02}:{second:02}")).right();
}

/// All that a tiny screen shows.
pub(super) fn summary(canvas: &mut Canvas<'_>, area: Rect, models: &Models) {
    let mut spans = counts(models.shown(), canvas.theme(), usize::from(area.width));
    if models.is_frozen() {
        spans.insert(0, Span::styled("PAUSED ", canvas.theme().alarm()));
    }
    canvas.put_spans(area, 0, &Line::from(spans));
}

fn name(model: &Model) -> &str {
    model.node().map_or("vigie", |node| &node.name)
}

fn identity(model: &Model, options: Options, theme: Theme, room: usize) -> Line<'static> {
    let mut parts = vec![(name(model).to_owned(), theme.strong())];
    match options.node {
        ShownNode::Own => {}
        ShownNode::OwnBesideAnother => {
            parts.push(("another vigie runs here: `vigie attach`".into(), theme.warning()));
        }
        ShownNode::Attached => parts.push(("attached".into(), theme.text())),
        ShownNode::Recorded => parts.push(("recorded".into(), theme.strong())),
    }
    if let Some(node) = model.node() {
        parts.push((format!("group {}", node.group), theme.text()));
        // The system's choice of an address; where this node does not use it, nobody reaches it there.
        let all = model.interfaces();
        let used = |ip: &IpAddr| all.is_empty() || all.iter().any(|i| i.addr == *ip);
        if let Some(ip) = options.local_ip.filter(used) {
            parts.push((ip.to_string(), theme.strong()));
        }
        let reached_at = if node.port == node.tcp_port {
            format!("UDP and TCP {}", node.port)
        } else {
            format!("UDP {}, TCP {}", node.port, node.tcp_port)
        };
        parts.push((reached_at, theme.text()));
        let used: usize = parts.iter().map(|(text, _)| columns(text) + 3).sum();
        parts.push(interfaces(all, room.saturating_sub(used), theme));
    } else {
        parts.push(("starting".into(), theme.dim()));
    }
    let mut spans = Vec::new();
    let mut left = room;
    for (i, (text, style)) in parts.into_iter().enumerate() {
        if i > 0 {
            spans.push(Span::styled(" · ", theme.dim()));
            left = left.saturating_sub(3);
        }
        let text = fit(&text, left);
        left = left.saturating_sub(columns(&text));
        spans.push(Span::styled(text, style));
    }
    Line::from(spans)
}

/// The interfaces, with addresses where there is room, names where there is less, then their number.
fn interfaces(all: &[Interface], room: usize, theme: Theme) -> (String, Style) {
    if all.is_empty() {
        return ("no interface can broadcast".into(), theme.alarm());
    }
    let kind = |interface: &Interface| match interface.kind {
        _ if interface.is_mute() => " (no broadcast)",
        InterfaceKind::Lan | InterfaceKind::Wifi => "",
        InterfaceKind::Container => " (container)",
        InterfaceKind::Vpn => " (VPN)",
        InterfaceKind::Loopback => " (loopback)",
    };
    let all: Vec<&Interface> = chief_addresses(all).collect();
    let full: Vec<_> = all.iter().map(|i| format!("{} {}/{}{}", i.name, i.addr, i.prefix, kind(i))).collect();
    let full = full.join(", ");
    if columns(&full) <= room {
        return (full, theme.text());
    }
    let names: Vec<_> = all.iter().map(|interface| &*interface.name).collect();
    for shown in (1..=names.len()).rev() {
        let more = names.len() - shown;
        let text = names[..shown].join(", ") + &(if more > 0 { format!(" +{more}") } else { String::new() });
        if columns(&text) <= room {
            return (text, theme.text());
        }
    }
    (format!("{} interfaces", all.len()), theme.text())
}

/// How much the counts say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spelt {
    /// Sign and number.
    Signs,
    /// With the number of all.
    Total,
    /// With the words.
    Words,
}

/// What is wrong, and peers by state: glyph, number and word; with less where that does not fit. A number is never cut off.
fn counts(model: &Model, theme: Theme, room: usize) -> Vec<Span<'static>> {
    let spell = |spelt: Spelt| {
        let total = model.len();
        let mut spans = Vec::new();
        if spelt > Spelt::Signs || total == 0 {
            spans.push(Span::styled(Count(total, "peer").to_string(), theme.strong()));
        }
        let findings = model.matrix().findings().len();
        let gap = if spelt > Spelt::Signs { "  " } else { " " };
        if findings > 0 {
            spans.extend((!spans.is_empty()).then(|| Span::raw(gap)));
            let counted = if spelt == Spelt::Words {
                Count(findings, "finding").to_string()
            } else {
                findings.to_string()
            };
            spans.push(Span::styled(format!("! {counted}"), theme.alarm_text()));
        }
        for state in PeerState::ALL {
            let count = model.count(state);
            if count > 0 {
                let word = if spelt == Spelt::Words { format!(" {}", state.as_str()) } else { String::new() };
                spans.extend((!spans.is_empty()).then(|| Span::raw(gap)));
                spans.push(Span::styled(format!("{} {count}{word}", glyph(state)), theme.state(state)));
            }
        }
        spans
    };
    let fits = |spans: &Vec<Span<'_>>| usize::from(width(spans)) <= room;
    let [full, total] = [Spelt::Words, Spelt::Total].map(spell);
    let with_period = [&full[..], period(model, theme).as_slice()].concat();
    [with_period, full, total].into_iter().find(fits).unwrap_or_else(|| spell(Spelt::Signs))
}

/// How often each peer is dialed, where a person has set that, or it is so rarely that what is shown may be old.
fn period(model: &Model, theme: Theme) -> Option<Span<'static>> {
    let setting = model.node()?.dial_interval;
    let period = setting.with_peers(model.len());
    if let DialInterval::Every(period) = setting {
        let words = humantime::format_duration(period);
        return Some(Span::styled(format!("  each dialed every {words}"), theme.dim()));
    }
    (period > AUTO_DIAL_INTERVAL)
        .then(|| Span::styled(format!("  each dialed every {}", Age(period)), theme.dim()))
}

/// How a recording is played, and how far: ` ▶ 4x 1:05 of 20:00 `.
fn played(models: &Models, now: Instant) -> Option<String> {
    let playback = models.playback()?;
    let sign = if playback.is_paused() { "paused" } else { "▶" };
    let since = |at: Instant| OnClock(at.saturating_duration_since(playback.begin));
    let (at, all) = (since(models.live_at(now).min(playback.end)), since(playback.end));
    let more = if playback.indexed < 100 { format!(" ({} % read)", playback.indexed) } else { String::new() };
    Some(format!(" {sign} {}x {at} of {all}{more} ", playback.speed))
}

/// A duration as on a clock.
struct OnClock(Duration);

impl fmt::Display for OnClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 {
            write!(f, "{hours}:{minutes:02}:{seconds:02}")
        } else {
            write!(f, "{minutes}:{seconds:02}")
        }
    }
}

/// What a person must know before trusting the display.
fn alerts(models: &Models, theme: Theme, now: Instant) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if let Some(missed) = models.live().missed()
        && now.saturating_duration_since(missed.at) < MISSED_SHOWN
    {
        spans.push(Span::styled(format!(" {} missed ", Count(missed.total, "event")), theme.warning()));
    }
    if let Some(behind) = models.behind() {
        spans.push(Span::styled(format!(" PAUSED · {} behind ", Count(behind, "event")), theme.alarm()));
    }
    spans
}

fn width(spans: &[Span<'_>]) -> u16 {
    u16::try_from(spans.iter().map(Span::width).sum::<usize>()).unwrap_or(u16::MAX)
}
