//! `tasks/list`.

use serde_json::{Value, json};

use super::{begin, legacy, task};
use crate::support::{Answer, Draft, Served, Session};

/// Lists its tasks one on each page: `first`, then those of the others.
fn listing(draft: Draft, ids: &'static [&'static str]) -> Draft {
    draft.on("tasks/list", move |call| async move {
        let at: usize = call.params["cursor"]
            .as_str()
            .map_or(0, |cursor| cursor.parse().unwrap());
        let mut page = json!({"tasks": [task(ids[at], "working")]});
        if at + 1 < ids.len() {
            page["nextCursor"] = (at + 1).to_string().into();
        }
        Answer::from(page)
    })
}

async fn ids(session: &Session) -> Vec<Value> {
    let listed = session.call("tasks/list", json!({})).await.result();
    assert_eq!(listed.get("nextCursor"), None);
    let tasks = listed["tasks"].as_array().unwrap().clone();
    tasks.into_iter().map(|mut task| task["taskId"].take()).collect()
}

#[tokio::test]
async fn has_the_sessions_own_tasks_in_the_order_of_the_configuration() {
    let one = listing(legacy("a"), &["a-3", "a-2", "a-1"]).start().await;
    let two = listing(legacy("b"), &["b-1", "foreign"]).start().await;
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let (session, other) = (served.session().await, served.session().await);
    assert!(ids(&session).await.is_empty());
    assert!(one.seen("tasks/list").is_empty(), "nothing of it could be shown");
    let begun = [
        begin(&session, "a").await,
        begin(&other, "a").await,
        begin(&session, "b").await,
        begin(&session, "a").await,
    ];
    assert_eq!(ids(&session).await, [&*begun[3], &begun[0], &begun[2]]);
    assert_eq!(ids(&other).await, [&*begun[1]]);
    let listed = session.call("tasks/list", json!({"cursor": null})).await.result();
    assert_eq!(listed["tasks"][2], task(&begun[2], "working"), "nothing else changes");
}

#[tokio::test]
async fn goes_on_where_a_page_ended() {
    static MANY: [&str; 120] = ["a-1"; 120];
    let one = listing(legacy("a"), &MANY).start().await;
    let two = listing(legacy("b"), &["b-1"]).start().await;
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let (session, other) = (served.session().await, served.session().await);
    let (a, b) = (begin(&session, "a").await, begin(&session, "b").await);
    begin(&other, "a").await;
    let (mut found, mut params, mut pages) = (Vec::new(), json!({}), 0);
    loop {
        let page = session.call("tasks/list", params).await.result();
        found.extend(
            page["tasks"]
                .as_array()
                .unwrap()
                .iter()
                .map(|task| task["taskId"].clone()),
        );
        pages += 1;
        let Some(next) = page.get("nextCursor").cloned() else {
            break;
        };
        params = json!({ "cursor": next });
        assert_eq!(
            other.call("tasks/list", params.clone()).await.code(),
            -32602,
            "it is not its"
        );
    }
    assert_eq!((found.len(), pages), (121, 3));
    assert!(found[..120].iter().all(|id| *id == *a) && found[120] == *b);
    assert_eq!(session.call("tasks/list", json!({"cursor": "x"})).await.code(), -32602);
    assert_eq!(session.call("tasks/list", json!({"cursor": 7})).await.code(), -32602);
}

#[tokio::test]
async fn leaves_out_a_backend_that_cannot_say() {
    let one = legacy("a")
        .on("tasks/list", |_| async { Answer::error(-32000, "not now") })
        .start()
        .await;
    let two = listing(legacy("b"), &["b-1"]).start().await;
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let session = served.session().await;
    begin(&session, "a").await;
    assert_eq!(session.call("tasks/list", json!({})).await.code(), -32000);
    let b = begin(&session, "b").await;
    assert_eq!(ids(&session).await, [&*b]);
}
