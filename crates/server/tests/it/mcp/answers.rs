//! How a legacy call is answered: JSON or a stream, progress, logs, cancellation.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Answer, Backend, Call, Served, Session, soon, until};

/// A gateway in front of one backend with a tool `t`.
async fn with_tool<F, T>(handler: F) -> (Backend, Served, Session)
where
    F: Fn(Call) -> T + Send + Sync + 'static,
    T: Future<Output = Answer> + Send + 'static,
{
    let backend = Backend::legacy()
        .capabilities(json!({"tools": {}, "logging": {}}))
        .tools(&["t"])
        .result("logging/setLevel", json!({}))
        .on("tools/call", handler)
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    (backend, served, session)
}

fn done() -> Answer {
    json!({"content": []}).into()
}

#[tokio::test]
async fn a_quick_answer_is_json() {
    let (_backend, _served, session) = with_tool(|_| async { done() }).await;
    insta::assert_snapshot!(session.tool("t").await.shown());
}

#[tokio::test]
async fn an_answer_after_a_second_is_a_stream() {
    let (_backend, _served, session) = with_tool(|_| async {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        done()
    })
    .await;
    let answered = session.tool("t").await;
    insta::assert_snapshot!(answered.shown());
}

#[tokio::test]
async fn the_stream_begins_after_a_second() {
    let (_backend, _served, session) = with_tool(|_| async { Answer::Silence }).await;
    let began = Instant::now();
    let open = session.ask("tools/call", json!({"name": "t"})).open().await;
    let waited = began.elapsed();
    assert_eq!(open.headers["content-type"], "text/event-stream");
    assert!((900..10_000).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test]
async fn an_answer_after_a_second_is_json_where_no_stream_is_read() {
    let (_backend, _served, session) = with_tool(|_| async {
        tokio::time::sleep(Duration::from_millis(1100)).await;
        done()
    })
    .await;
    let request = session
        .ask("tools/call", json!({"name": "t"}))
        .header("accept", "application/json");
    let answered = request.send().await;
    assert!(!answered.is_stream());
    assert_eq!(answered.result(), json!({"content": []}));
}

#[tokio::test]
async fn progress_comes_first_and_under_the_clients_token() {
    let (_backend, _served, session) = with_tool(|call| async move {
        call.progress(1);
        call.progress(2);
        done()
    })
    .await;
    for token in [json!("mine"), json!(7), json!("7")] {
        let params = json!({"name": "t", "_meta": {"progressToken": token}});
        let answered = session.call("tools/call", params).await;
        assert!(answered.is_stream());
        let expected = |progress: u64| {
            json!({
                "jsonrpc": "2.0",
                "method": "notifications/progress",
                "params": {"progressToken": token, "progress": progress},
            })
        };
        let messages = answered.messages();
        assert_eq!(messages[..2], [expected(1), expected(2)]);
        assert_eq!(
            messages[2],
            json!({"jsonrpc": "2.0", "id": 1, "result": {"content": []}})
        );
        assert_eq!(messages.len(), 3);
    }
}

#[tokio::test]
async fn progress_is_not_held_back() {
    let (backend, _served, session) = with_tool(|call| async move {
        call.progress(1);
        Answer::Silence
    })
    .await;
    let params = json!({"name": "t", "_meta": {"progressToken": 1}});
    let mut open = session.ask("tools/call", params).open().await;
    assert_eq!(open.message().await["params"]["progress"], 1);
    backend.first("tools/call").await;
}

#[tokio::test]
async fn where_no_stream_is_read_only_the_answer_remains() {
    let (_backend, _served, session) = with_tool(|call| async move {
        call.progress(1);
        done()
    })
    .await;
    let params = json!({"name": "t", "_meta": {"progressToken": 1}});
    let answered = session
        .ask("tools/call", params)
        .header("accept", "application/json")
        .send()
        .await;
    assert_eq!(answered.message()["result"], json!({"content": []}));
}

#[tokio::test]
async fn logs_come_on_the_stream_of_their_call_and_at_the_level_of_the_session() {
    let (backend, _served, session) = with_tool(|call| async move {
        for level in ["debug", "warning"] {
            call.notify("notifications/message", json!({"level": level, "data": {"x": 1.5}}));
        }
        done()
    })
    .await;
    assert_eq!(session.tool("t").await.messages().len(), 3);
    assert_eq!(
        session
            .call("logging/setLevel", json!({"level": "warning"}))
            .await
            .result(),
        json!({})
    );
    let messages = session.tool("t").await.messages();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0]["params"], json!({"level": "warning", "data": {"x": 1.5}}));
    assert_eq!(
        backend.first("logging/setLevel").await.message["params"],
        json!({"level": "warning"})
    );
}

#[tokio::test]
async fn an_unknown_level_is_refused() {
    let (_backend, _served, session) = with_tool(|_| async { done() }).await;
    assert_eq!(
        session.call("logging/setLevel", json!({"level": "loud"})).await.code(),
        -32602
    );
}

#[tokio::test]
async fn a_cancelled_request_gets_no_answer_and_the_backend_is_told() {
    let (backend, _served, session) = with_tool(|call| async move {
        call.progress(1);
        Answer::Silence
    })
    .await;
    let params = json!({"name": "t", "_meta": {"progressToken": 1}});
    let mut open = session.ask("tools/call", params).open().await;
    open.message().await;
    session.notify("notifications/cancelled", json!({"requestId": 1})).await;
    assert_eq!(open.next().await, None);
    let theirs = backend.first("tools/call").await.message["id"].clone();
    let told = backend.first("notifications/cancelled").await;
    assert_eq!(told.message["params"]["requestId"], theirs);
}

#[tokio::test]
async fn a_request_cancelled_within_its_first_second_gets_no_answer_either() {
    let (backend, _served, session) = with_tool(|_| async { Answer::Silence }).await;
    let waiting = tokio::spawn({
        let session = session.clone();
        async move { session.tool("t").await }
    });
    backend.first("tools/call").await;
    session.notify("notifications/cancelled", json!({"requestId": 1})).await;
    let answered = waiting.await.unwrap();
    assert_eq!((answered.status.as_u16(), &*answered.body), (200, ""));
    assert!(answered.is_stream());
}

#[tokio::test]
async fn cancelling_leaves_other_requests_and_sessions_alone() {
    let (backend, served, session) = with_tool(|call| async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(call);
        done()
    })
    .await;
    let other = served.session().await;
    let waiting = tokio::spawn({
        let session = session.clone();
        async move { session.tool("t").await }
    });
    backend.first("tools/call").await;
    other.notify("notifications/cancelled", json!({"requestId": 1})).await;
    session
        .notify("notifications/cancelled", json!({"requestId": "1"}))
        .await;
    assert_eq!(waiting.await.unwrap().result(), json!({"content": []}));
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_cancel() {
    let (finished, mut saw) = tokio::sync::mpsc::unbounded_channel();
    let (backend, _served, session) = with_tool(move |call| {
        let finished = finished.clone();
        async move {
            call.progress(1);
            tokio::select! {
                () = call.gone() => finished.send("cut off").unwrap(),
                () = tokio::time::sleep(Duration::from_millis(400)) => finished.send("finished").unwrap(),
            }
            done()
        }
    })
    .await;
    let params = json!({"name": "t", "_meta": {"progressToken": 1}});
    let mut open = session.ask("tools/call", params).open().await;
    open.message().await;
    drop(open);
    assert_eq!(soon("the call ends", saw.recv()).await, Some("finished"));
    assert!(backend.seen("notifications/cancelled").is_empty());
}

#[tokio::test]
async fn a_call_that_goes_on_alone_can_still_be_cancelled() {
    let (backend, _served, session) = with_tool(|call| async move {
        call.progress(1);
        Answer::Silence
    })
    .await;
    let params = json!({"name": "t", "_meta": {"progressToken": 1}});
    let mut open = session.ask("tools/call", params).open().await;
    open.message().await;
    drop(open);
    tokio::time::sleep(Duration::from_millis(100)).await;
    session.notify("notifications/cancelled", json!({"requestId": 1})).await;
    backend.first("notifications/cancelled").await;
}

#[tokio::test]
async fn errors_of_a_backend_pass_as_they_are() {
    let error = r#"{"code": 1.0,"message":"\u00e9","data":{"b":1,"a":12345678901234567890}}"#;
    let (_backend, _served, session) = with_tool(move |_| async move { Answer::Error(error.to_owned()) }).await;
    let answered = session.tool("t").await;
    assert_eq!(answered.status, 200);
    assert_eq!(answered.body, format!(r#"{{"jsonrpc":"2.0","id":1,"error":{error}}}"#));
}

#[tokio::test]
async fn an_unknown_tool() {
    let (_backend, _served, session) = with_tool(|_| async { done() }).await;
    insta::assert_snapshot!(session.tool("unknown").await.shown());
}

#[tokio::test]
async fn parameters_must_be_what_the_method_needs() {
    let (backend, _served, session) = with_tool(|_| async { done() }).await;
    for params in [json!({}), json!({"name": 5}), json!([]), json!(["t"])] {
        assert_eq!(
            session.call("tools/call", params.clone()).await.code(),
            -32602,
            "{params}"
        );
    }
    let without = session
        .post(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#)
        .send()
        .await;
    assert_eq!(without.code(), -32602);
    assert!(backend.seen("tools/call").is_empty());
}

#[tokio::test]
async fn a_session_that_the_backend_lost_is_made_again() {
    let (backend, _served, session) = with_tool(|_| async { done() }).await;
    assert_eq!(session.tool("t").await.result(), json!({"content": []}));
    backend.streams(2).await;
    backend.set_dead(true);
    session.tool("t").await.code();
    backend.set_dead(false);
    let back = async {
        while session.tool("t").await.message().get("result").is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("the tool works again", back).await;
    until("handshakes", || backend.seen("initialize").len() >= 3).await;
}
