//! Lines over the number of nodes, both by powers of ten, as SVG text.

use std::fmt::Write as _;

use super::measure::Figures;

const LEFT: f64 = 70.0;
const TOP: f64 = 44.0;
const WIDE: f64 = 460.0;
const HIGH: f64 = 220.0;
const COLOURS: [&str; 2] = ["#2b6cb0", "#dd8a1e"];

/// A value of each network.
type Value = fn(&Figures) -> f64;

/// A plot: where it is kept, what it shows, and its lines.
pub(crate) struct Plot {
    pub(crate) file: &'static str,
    title: &'static str,
    lines: Vec<(&'static str, Value)>,
}

pub(crate) fn all() -> Vec<Plot> {
    #[expect(clippy::cast_precision_loss, reason = "to be drawn")]
    let memory: Value = |figures| figures.memory as f64 / 1e6;
    vec![
        Plot {
            file: "scale-packets.svg",
            title: "Packets of one node in a second",
            lines: vec![("out", |figures| figures.packets_out), ("in", |figures| figures.packets_in)],
        },
        Plot {
            file: "scale-work.svg",
            title: "Table entries that one node looks at in a second, and its memory in MB",
            lines: vec![("entries", |figures| figures.entries), ("MB", memory)],
        },
    ]
}

impl Plot {
    pub(crate) fn draw(&self, figures: &[Figures]) -> String {
        let (wide, high) = (LEFT + WIDE + 80.0, TOP + HIGH + 44.0);
        let title = self.title;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {high}\" width=\"{wide}\" height=\"{high}\" \
             font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"{title}\">\n\
             <rect width=\"{wide}\" height=\"{high}\" fill=\"#fff\"/>\n\
             <text x=\"12\" y=\"20\" font-size=\"14\" fill=\"#111\">{title}</text>\n"
        );
        let across = Axis::of(figures.iter().map(of_nodes));
        let up = Axis::of(figures.iter().flat_map(|one| self.lines.iter().map(move |(_, value)| value(one))));
        for power in across.powers() {
            let x = LEFT + across.at(10_f64.powi(power)) * WIDE;
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {TOP}V{}\" stroke=\"#ddd\"/><text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                TOP + HIGH,
                TOP + HIGH + 18.0,
                10_f64.powi(power)
            );
        }
        for power in up.powers() {
            let y = TOP + (1.0 - up.at(10_f64.powi(power))) * HIGH;
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}h{WIDE}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                10_f64.powi(power)
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">nodes</text>",
            LEFT + WIDE / 2.0,
            high - 8.0
        );
        for ((name, value), colour) in self.lines.iter().zip(COLOURS) {
            let points = figures
                .iter()
                .map(|one| (LEFT + across.at(of_nodes(one)) * WIDE, TOP + (1.0 - up.at(value(one))) * HIGH));
            let points: Vec<(f64, f64)> = points.collect();
            let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                line.join(" ")
            );
            if let Some((x, y)) = points.last() {
                let _ = writeln!(
                    svg,
                    "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{name}</text>",
                    x + 8.0,
                    y + 4.0
                );
            }
        }
        svg.push_str("</svg>\n");
        svg
    }
}

#[expect(clippy::cast_precision_loss, reason = "to be drawn")]
fn of_nodes(figures: &Figures) -> f64 {
    figures.nodes as f64
}

/// Powers of ten from below the smallest value to above the largest.
struct Axis {
    from: i32,
    to: i32,
}

impl Axis {
    #[expect(clippy::cast_possible_truncation, reason = "powers of ten of what is measured")]
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let powers = values.filter(|value| *value > 0.0).map(f64::log10);
        let (from, to) =
            powers.fold((f64::MAX, f64::MIN), |(from, to), power| (from.min(power), to.max(power)));
        let from = from.floor() as i32;
        Self { from, to: (to.ceil() as i32).max(from + 1) }
    }

    fn powers(&self) -> impl Iterator<Item = i32> + use<> {
        self.from..=self.to
    }

    /// From 0 to 1.
    fn at(&self, value: f64) -> f64 {
        let (from, to) = (f64::from(self.from), f64::from(self.to));
        (value.log10().max(from) - from) / (to - from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_spans_the_powers_of_ten_around_its_values() {
        let axis = Axis::of([3.0, 700.0].into_iter());
        assert_eq!(axis.powers().collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert!(axis.at(1.0).abs() < 1e-9 && (axis.at(1_000.0) - 1.0).abs() < 1e-9);
    }
}
