//! Pages of the gateway's own lists, and of those that it reads.

use serde_json::{Value, json};

use crate::support::{Backend, Served, Session, names_in};

/// The pages of a list, by following the cursors.
async fn pages(session: &Session, method: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut params = json!({});
    loop {
        let result = session.call(method, params).await.result();
        pages.push(names_in(&result));
        match result.get("nextCursor") {
            Some(cursor) => params = json!({"cursor": cursor}),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn one_page_unless_configured() {
    let names: Vec<String> = (0..300).map(|number| format!("t{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let one = Backend::legacy().tools(&names).start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    assert_eq!(pages(&served.session().await, "tools/list").await, [names]);
}

#[tokio::test]
async fn page_size_cuts_every_list() {
    let one = Backend::legacy()
        .tools(&["a", "b", "c"])
        .prompts(&["a", "b"])
        .resources(&["x://1", "x://2", "x://3", "x://4"])
        .templates(&["x://{a}"])
        .start()
        .await;
    let served = Served::with(&format!("server: {{page_size: 2}}\nbackends:\n{}", one.yaml("one", ""))).await;
    let session = served.session().await;
    assert_eq!(pages(&session, "tools/list").await, [vec!["a", "b"], vec!["c"]]);
    assert_eq!(pages(&session, "prompts/list").await, [["a", "b"]]);
    assert_eq!(
        pages(&session, "resources/list").await,
        [["x://1", "x://2"], ["x://3", "x://4"]]
    );
    assert_eq!(pages(&session, "resources/templates/list").await, [["x://{a}"]]);
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let one = Backend::legacy().tools(&["a", "b"]).prompts(&["a", "b"]).start().await;
    let served = Served::with(&format!("server: {{page_size: 1}}\nbackends:\n{}", one.yaml("one", ""))).await;
    let session = served.session().await;
    let cursor = session.call("tools/list", json!({})).await.result()["nextCursor"].clone();
    assert_eq!(
        session.call("prompts/list", json!({"cursor": cursor})).await.code(),
        -32602
    );
    for cursor in [json!("nonsense"), json!(""), json!(1), json!({})] {
        assert_eq!(
            session.call("tools/list", json!({"cursor": cursor})).await.code(),
            -32602,
            "{cursor}"
        );
    }
    assert_eq!(
        session.call("tools/list", json!({"cursor": null})).await.result()["tools"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let modern = served
        .modern("tools/list", json!({"cursor": cursor}))
        .send()
        .await
        .result();
    assert_eq!(names_in(&modern), ["b"]);
}

#[tokio::test]
async fn lists_of_backends_are_read_to_the_last_page() {
    let one = Backend::legacy()
        .on("tools/list", |call| async move {
            let number = call.params["cursor"]
                .as_str()
                .map_or(0, |cursor| cursor.parse::<u32>().unwrap());
            let mut page = json!({"tools": [{"name": format!("t{number}"), "inputSchema": {}}]});
            if number < 4 {
                page["nextCursor"] = Value::from((number + 1).to_string());
            }
            page
        })
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    assert_eq!(
        served.session().await.names("tools/list").await,
        ["t0", "t1", "t2", "t3", "t4"]
    );
}

#[tokio::test]
async fn a_backend_whose_pages_have_no_end_is_sick() {
    let endless = Backend::legacy()
        .result("tools/list", json!({"tools": [], "nextCursor": "again"}))
        .start()
        .await;
    let one = Backend::legacy().tools(&["a"]).start().await;
    let served = Served::backends(&[endless.yaml("endless", ""), one.yaml("one", "")]).await;
    assert_eq!(served.session().await.names("tools/list").await, ["a"]);
    assert_eq!(served.fares(), "degraded");
}
