//! What is written to files and to the clipboard.

use std::path::PathBuf;

use ratatui::layout::Rect;
use serde_json::Value;

use super::*;
use crate::app::export;
use crate::app::export::Form;

/// A folder that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vigie-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, bench: &mut Bench, form: Form) -> std::io::Result<String> {
        let now = bench.now();
        let said = export::write(&mut bench.app, form, &self.0, Rect::new(0, 0, 80, 24), now)?;
        Ok(said.strip_prefix("wrote ").unwrap().to_owned())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_screen_is_written_as_it_stands_and_nothing_is_overwritten() {
    let folder = Folder::new("text");
    let mut bench = busy();
    let [one, two] = [(); 2].map(|()| folder.write(&mut bench, Form::Text).unwrap());
    assert!(one.ends_with("vigie-alice-19700101-120009.txt"), "{one}");
    assert!(two.ends_with("vigie-alice-19700101-120009-2.txt"), "{two}");
    assert_eq!(std::fs::read_to_string(one).unwrap().trim_end(), bench.text(80, 24).trim_end());
}

#[test]
fn the_ways_to_export_are_seen_whatever_was_said_before() {
    let mut bench = busy();
    let now = bench.now();
    bench.app.ui.say("something was written", true, now);
    bench.key(KeyCode::Char('e'));
    let screen = bench.text(80, 24);
    let last = screen.lines().last().unwrap();
    assert!(last.contains("Markdown") || last.contains("JSON"), "{last}");
}

#[test]
fn the_json_tells_every_listed_peer_in_the_names_of_the_contract() {
    let folder = Folder::new("json");
    let mut bench = busy();
    bench.key(KeyCode::Char('/'));
    bench.typed("refused");
    bench.key(KeyCode::Enter);
    let path = folder.write(&mut bench, Form::Json).unwrap();
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(document["v"], 1);
    assert_eq!(document["node"]["name"], "alice");
    let peers = document["peers"].as_array().unwrap();
    let names: Vec<_> = peers.iter().map(|peer| peer["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["host9", "host10"]);
    assert_eq!(peers[0]["state"], "unreachable");
    assert_eq!(peers[0]["cause"], "refused");
    assert_eq!(peers[0]["addr"], "10.0.0.14:17474");
    assert_eq!(peers[0]["history_us"], serde_json::json!([null]));
}

#[test]
fn the_picture_is_whole_xml_with_every_name_in_it() {
    let folder = Folder::new("svg");
    let mut bench = busy();
    bench.discovered(&peer(99, "<a & \"b\">"));
    let svg = std::fs::read_to_string(folder.write(&mut bench, Form::Svg).unwrap()).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    for name in ["alice", "host9", "山田のPC", "&lt;a &amp; &quot;b&quot;&gt;"] {
        assert!(svg.contains(name) || name.chars().all(|c| svg.contains(c)), "{name}");
    }
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
}

#[test]
fn a_folder_that_cannot_be_written_is_told_with_the_path() {
    let mut bench = busy();
    let now = bench.now();
    let nowhere = std::path::Path::new("/nonexistent/folder");
    let error = export::write(&mut bench.app, Form::Json, nowhere, Rect::new(0, 0, 80, 24), now).unwrap_err();
    assert!(error.to_string().starts_with("cannot write /nonexistent/folder/vigie-alice-"), "{error}");
}

#[test]
fn an_animation_has_each_line_once_as_long_as_it_stays_and_shows_every_frame_in_its_time() {
    let screens = ["one", "one", "two"].map(|word| Buffer::with_lines(["stays", word]));
    let svg = export::svg::animate(&screens, Duration::from_secs(1), "vigie");
    let count = |what: &str| svg.matches(what).count();
    assert_eq!((count(">stays<"), count(">one<"), count(">two<")), (1, 1, 1), "{svg}");
    assert_eq!((count("<g "), count("</g>"), count(r#"dur="3.0s""#)), (2, 2, 2), "{svg}");
    assert!(svg.contains(r#"values="inline;none" keyTimes="0;0.6667""#), "{svg}");
    assert!(svg.contains(r#"values="none;inline" keyTimes="0;0.6667""#), "{svg}");
}

#[test]
fn what_xml_does_not_know_even_escaped_is_left_out_of_a_picture() {
    let svg = export::svg::draw(&Buffer::with_lines(["x\u{FFFE}\u{FFFF}y"]), "a\u{1b}b");
    assert!(!svg.contains(['\u{FFFE}', '\u{FFFF}', '\u{1b}']) && svg.contains(">ab<"), "{svg}");
}

#[test]
fn a_report_tells_of_what_was_wrong_in_its_time_and_is_plain_markdown() {
    let mut bench = super::findings::shown();
    let now = bench.now();
    let report = |bench: &Bench, from| {
        crate::app::export::report::of(bench.app.shown(), &bench.app.appearance, (from, bench.now()))
    };
    let all = report(&bench, None);
    for words in
        ["# What was wrong, as", "## 1. ", "- **When:** ", "- **Who:** ", "- **Verdict:** `", "- **Fix:** "]
    {
        assert!(all.contains(words), "{words}\n{all}");
    }
    bench.discovered(&peer(9, "a|b*"));
    assert!(report(&bench, None).contains("| a\\|b\\* |"));
    assert!(!report(&bench, Some(now)).contains("(by broadcast) |\n| 12:00:00 | a |"));
}
