//! Bars of precision and recall, as SVG text.

use std::fmt::Write as _;

/// A row of a plot: its name, precision and recall.
pub(crate) type Row = (String, f64, f64);

const LEFT: f64 = 210.0;
const WIDTH: f64 = 480.0;
const ROW: f64 = 24.0;
const BAR: f64 = 8.0;
const TOP: f64 = 56.0;

/// Two bars for each row, from 0 to 100 %.
pub(crate) fn bars(title: &str, rows: &[Row]) -> String {
    let rows_high: f64 = rows.iter().map(|_| ROW).sum();
    let (wide, high) = (LEFT + WIDTH + 70.0, TOP + rows_high + 16.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {high}\" width=\"{wide}\" height=\"{high}\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"{title}\">\n\
         <rect width=\"{wide}\" height=\"{high}\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"20\" font-size=\"14\" fill=\"#111\">{title}</text>\n\
         <rect x=\"{LEFT}\" y=\"30\" width=\"10\" height=\"10\" fill=\"{PRECISION}\"/><text x=\"{}\" y=\"39\">precision</text>\n\
         <rect x=\"{}\" y=\"30\" width=\"10\" height=\"10\" fill=\"{RECALL}\"/><text x=\"{}\" y=\"39\">recall</text>\n",
        LEFT + 14.0,
        LEFT + 90.0,
        LEFT + 104.0
    );
    for tenth in 0..=10 {
        let x = LEFT + WIDTH * f64::from(tenth) / 10.0;
        let _ = writeln!(svg, "<path d=\"M{x} {TOP}V{}\" stroke=\"#ddd\"/>", TOP + rows_high);
    }
    let mut y = TOP;
    for (name, precision, recall) in rows {
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#111\">{name}</text>",
            LEFT - 8.0,
            y + 16.0
        );
        bar(&mut svg, y + 3.0, *precision, PRECISION);
        bar(&mut svg, y + 4.0 + BAR, *recall, RECALL);
        y += ROW;
    }
    svg.push_str("</svg>\n");
    svg
}

const PRECISION: &str = "#2b6cb0";
const RECALL: &str = "#dd8a1e";

fn bar(svg: &mut String, y: f64, share: f64, colour: &str) {
    let (long, percent) = (WIDTH * share, share * 100.0);
    let _ = writeln!(
        svg,
        "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{long:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"8\" fill=\"#444\">{percent:.1} %</text>",
        LEFT + long + 4.0,
        y + 7.0
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_its_name_and_both_its_bars() {
        let svg = bars("title", &[("one".into(), 1.0, 0.5), ("other".into(), 0.0, 0.25)]);
        assert_eq!(svg.matches("text-anchor=\"end\"").count(), 2);
        for long in ["480.0", "240.0", "0.0", "120.0"] {
            assert!(svg.contains(&format!("width=\"{long}\" height=\"8\"")), "{svg}");
        }
    }
}
