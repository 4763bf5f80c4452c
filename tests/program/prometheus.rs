//! Metrics, rules and dashboard as Prometheus itself takes them: the real one scrapes a real node.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::node::Stage;
use crate::support::seen::kind;
use crate::support::{SOON, free_port, is_there, poll};
use serde_json::Value;

const ALERTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/prometheus-alerts.yml");
const DASHBOARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/grafana-dashboard.json");

/// Prometheus' own data, which ends with the test.
struct Data(PathBuf);

impl Drop for Data {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What loopback answers; nothing as long as nobody listens.
fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

/// Each byte as `%XX`, which any query survives.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

/// What Prometheus says to a query.
fn asked(port: u16, query: &str) -> Option<Value> {
    serde_json::from_str(&get(port, &format!("/api/v1/query?query={}", encoded(query)))?).ok()
}

/// All that stands behind a key, anywhere in a document.
fn behind<'v>(document: &'v Value, key: &str, found: &mut Vec<&'v str>) {
    match document {
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str));
            fields.values().for_each(|value| behind(value, key, found));
        }
        Value::Array(values) => values.iter().for_each(|value| behind(value, key, found)),
        _ => {}
    }
}

/// `promtool check` finds nothing wrong.
#[track_caller]
fn is_sound(args: &[&str], input: &str) {
    let mut promtool = Command::new("promtool");
    promtool.arg("check").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = promtool.spawn().expect("it is there");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads all");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && !said.contains("error"), "{args:?}: {said}");
}

#[test]
fn prometheus_scrapes_a_node_and_takes_its_rules_and_every_query_of_the_dashboard() {
    if !is_there("prometheus") || !is_there("promtool") {
        return;
    }
    is_sound(&["rules", ALERTS], "");
    let (stage, port, scraped, web) = (Stage::new(), free_port().to_string(), free_port(), free_port());
    let quick = ["--port", &port, "--interval", "200ms"];
    let metrics = scraped.to_string();
    let node = ["watch", "--json", "--name", "node", "--bind", "127.77.18.1", "--metrics", &metrics];
    let node = stage.vigie("node", &[&node[..], &quick].concat());
    node.wait_for(SOON, kind("started"));
    let guest = ["watch", "--json", "--name", "guest", "--bind", "127.77.18.2"];
    let _guest = stage.vigie("guest", &[&guest[..], &quick].concat());
    node.wait_for(SOON, kind("dial_succeeded"));
    is_sound(&["metrics"], &get(scraped, "/metrics").expect("it is served"));

    let data = Data(std::env::temp_dir().join(format!("vigie-prometheus-{}", std::process::id())));
    fs::create_dir_all(&data.0).expect("a folder can be made");
    let config = data.0.join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{ALERTS}']\nscrape_configs:\n- \
         {{job_name: vigie, static_configs: [{{targets: ['127.0.0.1:{scraped}']}}]}}\n"
    );
    fs::write(&config, text).expect("it can be written");
    let mut prometheus = Command::new("prometheus");
    prometheus.arg(format!("--config.file={}", config.display()));
    prometheus.arg(format!("--storage.tsdb.path={}", data.0.join("data").display()));
    prometheus.arg(format!("--web.listen-address=127.0.0.1:{web}"));
    let _prometheus = stage.spawn("prometheus", prometheus);

    let is_up = || {
        let answer = asked(web, "sum(vigie_peers{state=\"up\"})")?;
        (answer["data"]["result"][0]["value"][1] == "1").then_some(())
    };
    assert!(poll(SOON * 2, is_up).is_some(), "{:?}", asked(web, "vigie_peers"));
    let rules = || {
        let answer: Value = serde_json::from_str(&get(web, "/api/v1/rules")?).ok()?;
        let mut health = Vec::new();
        behind(&answer, "health", &mut health);
        (health.len() > 4 && health.iter().all(|rule| *rule == "ok")).then_some(())
    };
    assert!(poll(SOON, rules).is_some(), "{:?}", get(web, "/api/v1/rules"));
    let dashboard: Value =
        serde_json::from_str(&fs::read_to_string(DASHBOARD).expect("it is there")).expect("it is JSON");
    let mut queries = Vec::new();
    behind(&dashboard, "expr", &mut queries);
    assert!(queries.len() > 8, "{queries:?}");
    for query in queries {
        let query = query.replace("$instance", ".*").replace("$__rate_interval", "1m");
        let answer = asked(web, &query).expect("it answers");
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let metrics = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for metric in metrics.filter(|word| word.starts_with("vigie_")) {
            let known = asked(web, &format!("count({{__name__=\"{metric}\"}})")).expect("it answers");
            assert_ne!(known["data"]["result"], serde_json::json!([]), "{metric} is no metric of a node");
        }
    }
}
