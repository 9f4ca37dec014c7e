//! `GET /manage/v1/status`.

use crate::support::{Backend, Served};

#[tokio::test]
async fn says_what_runs_and_where() {
    let one = Backend::legacy().start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    let mut answered = served.get("/manage/v1/status").send().await.message();
    let port = served.address.port();
    for (pointer, expected) in [
        ("/service/uptime_seconds", None),
        ("/service/started_at", Some("Z")),
        ("/config/loaded_at", Some("Z")),
    ] {
        let value = answered.pointer_mut(pointer).unwrap().take();
        match expected {
            Some(end) => assert!(value.as_str().unwrap().ends_with(end), "{value}"),
            None => assert!(value.as_f64().unwrap() >= 0.0, "{value}"),
        }
    }
    let shown = serde_json::to_string_pretty(&answered).unwrap();
    insta::assert_snapshot!(shown.replace(&port.to_string(), "[port]"));
}
