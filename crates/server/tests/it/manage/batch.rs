//! `GET /manage/v1/batch`.

use serde_json::{Value, json};

use crate::support::{Backend, Served};

#[tokio::test]
async fn each_part_is_that_of_its_operation() {
    let one = Backend::legacy().tools(&["t"]).start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    served.gateway.started().await;
    let of = async |path: &str| -> Value { served.get(&format!("/manage/v1/{path}")).send().await.message() };
    let mut batch = of("batch").await;
    let mut status = of("status").await;
    for answered in [&mut batch["status"], &mut status] {
        answered["service"]["uptime_seconds"].take();
    }
    assert_eq!(batch["status"], status);
    assert_eq!(batch["backends"], of("backends").await);
    assert_eq!(batch["capabilities"], of("capabilities").await);
    assert_eq!(batch["events"], of("events?limit=20").await);
    let few = of("batch?events_limit=1").await;
    assert_eq!(few["events"]["events"].as_array().unwrap().len(), 1);
    assert_eq!(few["events"], of("events?limit=1").await);
}

#[tokio::test]
async fn a_limit_out_of_bounds_is_refused() {
    let served = Served::alone().await;
    for query in ["?events_limit=0", "?events_limit=1001", "?events_limit=x"] {
        let refused = served.get(&format!("/manage/v1/batch{query}")).send().await;
        assert_eq!(
            (refused.status.as_u16(), &refused.message()["error"]),
            (400, &json!("bad_request")),
            "{query}"
        );
    }
}
