//! The log: one line per request.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use http::Method;
use serde_json::{Value, json};
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Answer, Backend, Served, until};

/// Takes the lines that this test's thread writes, on which all of its gateway runs.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(crate) fn collect() -> (Self, DefaultGuard) {
        // As long as a process has had one subscriber only, whoever comes first to a place that logs decides for all
        // threads whether it does; other tests have none. With another one, every subscriber is asked.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| Dispatch::new(tracing_subscriber::fmt().with_writer(std::io::sink).finish()));
        let lines = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_writer(lines.clone())
            .with_max_level(tracing::Level::INFO)
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    fn all(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .filter(|line| line["target"] == "argus::request")
            .map(|line| line["fields"].clone())
            .collect()
    }

    /// The warnings so far.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .filter(|line| line["level"] == "WARN")
            .map(|line| line["fields"]["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Method, outcome and status of each line so far, which must be so many.
    pub(crate) async fn take(&self, count: usize) -> Vec<(String, String, Value)> {
        until("lines", || self.all().len() >= count).await;
        let lines = self.all();
        self.0.lock().unwrap().clear();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let lines = lines
            .iter()
            .map(|line| (text(&line["method"]), text(&line["outcome"]), line["status"].clone()));
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.len(), count, "{lines:?}");
        lines
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

pub(crate) fn line(method: &str, outcome: &str, status: impl Into<Option<u16>>) -> (String, String, Value) {
    let status = status.into().map_or(Value::Null, Value::from);
    (method.to_owned(), outcome.to_owned(), status)
}

#[tokio::test]
async fn a_session_from_its_beginning_to_its_end() {
    let (lines, _guard) = Lines::collect();
    let served = Served::alone().await;
    let session = served.session().await;
    let begun = [
        line("initialize", "result", None),
        line("notifications/initialized", "accepted", None),
    ];
    assert_eq!(lines.take(2).await, begun);
    session.call("ping", json!({})).await;
    session.call("unknown", json!({})).await;
    assert_eq!(
        lines.take(2).await,
        [line("ping", "result", None), line("unknown", "error", None)]
    );
    let stream = session.listen().await;
    session.delete().send().await;
    stream.whole().await;
    let mut ended = lines.take(2).await;
    ended.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(ended, [line("DELETE", "accepted", None), line("GET", "ended", None)]);
    session.call("ping", json!({})).await;
    assert_eq!(lines.take(1).await, [line("ping", "refused", 404)]);
}

#[tokio::test]
async fn streams_that_are_resumed() {
    let (lines, _guard) = Lines::collect();
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            call.progress(1);
            if call.params["arguments"]["ends"] == true {
                return json!({"content": []}).into();
            }
            Answer::Silence
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    lines.take(2).await;
    let call = |ends: bool| {
        let params = json!({"name": "t", "arguments": {"ends": ends}, "_meta": {"progressToken": "p"}});
        session.ask("tools/call", params)
    };
    call(true).send().await;
    assert_eq!(lines.take(1).await, [line("tools/call", "result", None)]);
    session.after("1-1").send().await;
    assert_eq!(lines.take(1).await, [line("GET", "ended", None)]);
    let open = call(false).open().await;
    let again = session.after("2-0").open().await;
    drop((open, again));
    assert_eq!(lines.take(1).await, [line("GET", "dropped", None)]);
    session.after("9-0").send().await;
    assert_eq!(lines.take(1).await, [line("GET", "refused", 410)]);
}

#[tokio::test]
async fn refusals() {
    let (lines, _guard) = Lines::collect();
    let served = Served::alone().await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    for (request, expected) in [
        (served.post("{"), line("-", "refused", 400)),
        (served.post(&*ping), line("ping", "refused", 400)),
        (
            served.post(&*ping).header("host", "evil.example"),
            line("-", "refused", 403),
        ),
        (
            served.post(&*ping).header("accept", "image/png"),
            line("-", "refused", 406),
        ),
        (
            served.post(&*ping).header("content-type", "text/plain"),
            line("-", "refused", 415),
        ),
        (served.request(Method::PUT, "/mcp"), line("PUT", "refused", 405)),
        (served.get("/mcp"), line("GET", "refused", 400)),
        (
            served.modern("tools/call", json!({"name": "t"})).without("mcp-name"),
            line("tools/call", "refused", 400),
        ),
        (
            served.modern("subscriptions/listen", json!({})),
            line("subscriptions/listen", "error", None),
        ),
        (
            served.modern("server/discover", json!({})),
            line("server/discover", "result", None),
        ),
    ] {
        request.send().await;
        assert_eq!(lines.take(1).await, [expected]);
    }
}

#[tokio::test]
async fn each_message_of_a_batch() {
    let (lines, _guard) = Lines::collect();
    let served = Served::alone().await;
    let session = served.session_of("2025-03-26", json!({})).await;
    lines.take(2).await;
    let body = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        5,
    ]);
    session.post(body.to_string()).send().await;
    let mut written = lines.take(3).await;
    written.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [
        line("-", "error", None),
        line("notifications/initialized", "accepted", None),
        line("ping", "result", None),
    ];
    assert_eq!(written, expected);
}

#[tokio::test]
async fn long_names_are_cut() {
    let (lines, _guard) = Lines::collect();
    let long = "t".repeat(1000);
    let backend = Backend::modern()
        .tools(&[&long])
        .result("tools/call", json!({"resultType": "complete", "content": []}))
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    // The line has the backend's own name, not the shortened one.
    let exposed = format!("{}_09045037", "t".repeat(55));
    served.modern("tools/call", json!({"name": exposed})).send().await;
    served.modern(&long, json!({})).send().await;
    until("lines", || lines.all().len() == 2).await;
    let all = lines.all();
    assert_eq!(all[0]["name"], "t".repeat(128));
    assert_eq!(all[1]["method"], "t".repeat(128));
}
