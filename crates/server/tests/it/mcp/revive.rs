//! Sessions that outlive the gateway that opened them.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Backend, Draft, Open, Served, Session, until};

const UPDATED: &str = "notifications/resources/updated";
const LISTS: [&str; 3] = [
    "notifications/tools/list_changed",
    "notifications/resources/list_changed",
    "notifications/prompts/list_changed",
];

/// A gateway that is started again and again with one data folder.
struct World {
    folder: TempDir,
    yaml: String,
    served: Served,
}

impl World {
    async fn start(backend: &Backend) -> Self {
        Self::with(&format!("backends:\n{}", backend.yaml("one", ""))).await
    }

    async fn with(yaml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let served = Served::kept_in(folder.path(), yaml).await;
        Self {
            folder,
            yaml: yaml.to_owned(),
            served,
        }
    }

    async fn restarted(self) -> Self {
        let Self { folder, yaml, served } = self;
        served.stopped().await;
        let served = Served::kept_in(folder.path(), &yaml).await;
        Self { folder, yaml, served }
    }

    /// The session as its client goes on with it.
    fn back(&self, session: &Session) -> Session {
        session.at(self.served.address)
    }

    /// The session under another id.
    fn with_id(&self, session: &Session, id: &str) -> Session {
        let mut forged = self.back(session);
        id.clone_into(&mut forged.id);
        forged
    }
}

fn draft() -> Draft {
    Backend::legacy()
        .capabilities(json!({"tools": {}, "resources": {"subscribe": true}, "logging": {}}))
        .tools(&["t"])
        .resources(&["x://1", "x://2"])
        .result("tools/call", json!({"content": []}))
        .result("resources/subscribe", json!({}))
        .result("resources/unsubscribe", json!({}))
        .result("logging/setLevel", json!({}))
}

async fn ping(session: &Session) -> u16 {
    session.call("ping", json!({})).await.status.as_u16()
}

async fn subscribe(session: &Session, uri: &str) {
    let subscribed = session.call("resources/subscribe", json!({ "uri": uri })).await;
    assert_eq!(subscribed.result(), json!({}));
}

/// The next messages of a stream that say that anything may have changed.
async fn all_lists_changed(stream: &mut Open) {
    for method in LISTS {
        assert_eq!(stream.message().await["method"], method);
    }
}

#[tokio::test]
async fn a_client_goes_on_as_if_nothing_had_happened() {
    let backend = draft().start().await;
    let world = World::start(&backend).await;
    let (one, other) = (world.served.session().await, world.served.session().await);
    assert!(
        one.id.len() < 1024 && one.id.bytes().all(|byte| byte.is_ascii_graphic()),
        "{}",
        one.id
    );
    one.tool("t").await.result();
    let mut world = world;
    for _ in 0..2 {
        world = world.restarted().await;
        let one = world.back(&one);
        assert_eq!(one.tool("t").await.result(), json!({"content": []}));
        assert_eq!(one.names("tools/list").await, ["t"]);
        let mut stream = one.listen().await;
        assert_eq!(stream.status, 200);
        all_lists_changed(&mut stream).await;
    }
    let (one, other) = (world.back(&one), world.back(&other));
    assert_eq!(ping(&other).await, 200, "it was not used in between");
    assert_eq!(one.delete().send().await.status, 204);
    assert_eq!(ping(&one).await, 404);
}

#[tokio::test]
async fn what_it_subscribed_to_and_its_level_are_there_again() {
    for (own, capabilities) in [(false, json!({})), (true, json!({"sampling": {}}))] {
        let backend = draft().start().await;
        let world = World::start(&backend).await;
        let session = world.served.session_of("2025-11-25", capabilities).await;
        for uri in ["x://1", "x://2"] {
            subscribe(&session, uri).await;
        }
        let unsubscribed = session.call("resources/unsubscribe", json!({"uri": "x://2"})).await;
        assert_eq!(unsubscribed.result(), json!({}));
        session
            .call("logging/setLevel", json!({"level": "error"}))
            .await
            .result();
        session.tool("t").await.result();
        let before = backend.seen("resources/subscribe").len();
        let levels = backend.seen("logging/setLevel").len();
        let streams = backend.seen("GET").len();
        let world = world.restarted().await;
        let session = world.back(&session);

        // Nobody asks for it but the session being there again.
        assert_eq!(ping(&session).await, 200);
        until("it is subscribed to again", || {
            backend.seen("resources/subscribe").len() == before + 1
        })
        .await;
        let again = backend.seen("resources/subscribe").pop().unwrap();
        assert_eq!(again.message["params"], json!({"uri": "x://1"}));
        let level = backend.seen("logging/setLevel").pop().unwrap();
        assert_eq!(backend.seen("logging/setLevel").len(), levels + 1);
        assert_eq!(level.message["params"], json!({"level": "error"}));

        let mut stream = session.listen().await;
        all_lists_changed(&mut stream).await;
        assert_eq!(
            stream.message().await["params"],
            json!({"uri": "x://1"}),
            "it may have changed"
        );
        // The catalogue's stream and the one that the session uses.
        until("standing streams", || backend.seen("GET").len() >= streams + 2).await;
        backend.tell(UPDATED, json!({"uri": "x://2"}));
        backend.tell(UPDATED, json!({"uri": "x://1", "n": 7}));
        loop {
            let told = stream.notification(UPDATED).await["params"].clone();
            // A connection of the session's own is not looked into.
            assert!(own || told["uri"] == "x://1", "{told}");
            if told["n"] == 7 {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_session_that_ended_stays_ended() {
    let world = World::with("server: {max_sessions: 2}").await;
    let (deleted, evicted) = (world.served.session().await, world.served.session().await);
    deleted.delete().send().await;
    let (stays, new) = (world.served.session().await, world.served.session().await);
    assert_eq!(ping(&evicted).await, 404);
    let world = world.restarted().await.restarted().await;
    for ended in [&deleted, &evicted] {
        let back = world.back(ended);
        assert_eq!(ping(&back).await, 404);
        assert_eq!(back.get().send().await.status, 404);
        assert_eq!(back.delete().send().await.status, 404);
    }
    for session in [&stays, &new] {
        assert_eq!(ping(&world.back(session)).await, 200);
    }
}

#[tokio::test]
async fn a_session_that_was_idle_for_too_long_stays_ended() {
    let world = World::with("server: {session_idle_timeout: 1}").await;
    let session = world.served.session().await;
    let world = world.restarted().await;
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    assert_eq!(ping(&world.back(&session)).await, 404);
    let world = world.restarted().await;
    assert_eq!(ping(&world.back(&session)).await, 404);
}

#[tokio::test]
async fn many_requests_at_once_bring_one_session_back() {
    let backend = draft().start().await;
    let world = World::start(&backend).await;
    let session = world.served.session_of("2025-11-25", json!({"sampling": {}})).await;
    session.tool("t").await.result();
    let opened = || backend.seen("initialize").len();
    let world = world.restarted().await;
    let session = world.back(&session);
    let calls = (0..20).map(|id| {
        let params = json!({"name": "t", "arguments": {}});
        let call = session.ask_as(json!(id), "tools/call", params);
        async move { call.send().await.result() }
    });
    for result in futures::future::join_all(calls).await {
        assert_eq!(result, json!({"content": []}));
    }
    // The catalogue's and the session's own, before and after.
    assert_eq!(opened(), 4);
    session.delete().send().await;
    assert_eq!(ping(&session).await, 404);
}

#[tokio::test]
async fn it_counts_like_any_other_session() {
    let world = World::with("server: {max_sessions: 1}").await;
    let first = world.served.session().await;
    let world = world.restarted().await;
    let second = world.served.session().await;
    let mut stream = second.listen().await;
    stream.primed().await;
    // All places are taken: the session is there still, but cannot be let in now.
    let refused = world.back(&first).call("ping", json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (503, -32600));
    drop(stream);
    let back = world.back(&first);
    let free = async { while ping(&back).await != 200 {} };
    crate::support::soon("a free place", free).await;
    assert_eq!(ping(&second).await, 404, "it made room");
}

#[tokio::test]
async fn ids_that_were_not_given_are_unknown() {
    let world = World::with("server: {}").await;
    let session = world.served.session().await;
    let elsewhere = World::with("server: {}").await;
    let foreign = elsewhere.served.session().await;
    let world = world.restarted().await;
    let id = &session.id;
    let mut changed = id.clone().into_bytes();
    for at in [0, 40, id.len() / 2, id.len() - 2] {
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(changed.clone()).unwrap();
        assert_eq!(ping(&world.with_id(&session, &forged)).await, 404);
    }
    let long = "A".repeat(5000);
    for forged in [
        &id[1..],
        &id[..id.len() - 1],
        &foreign.id,
        "x",
        "a b",
        &long,
        &format!("{id}="),
    ] {
        assert_eq!(ping(&world.with_id(&session, forged)).await, 404, "{forged}");
    }
    assert_eq!(ping(&world.back(&session)).await, 200);
}

#[tokio::test]
async fn event_ids_of_before_are_told_from_those_of_now() {
    let backend = Backend::legacy()
        .capabilities(json!({"tools": {}, "resources": {"subscribe": true}}))
        .tools(&["t"])
        .resources(&["x://1"])
        .result("resources/subscribe", json!({}))
        .on("tools/call", |call| async move {
            call.progress(1);
            json!({"content": []})
        })
        .start()
        .await;
    let world = World::start(&backend).await;
    let session = world.served.session().await;
    subscribe(&session, "x://1").await;
    let call = async |session: &Session| {
        let params = json!({"name": "t", "_meta": {"progressToken": 1}});
        let mut answer = session.ask("tools/call", params).open().await;
        while answer.next().await.is_some() {}
        answer.last_id().to_owned()
    };
    let (before, standing) = (call(&session).await, session.listen().await.primed().await);
    assert_eq!((&*before, &*standing), ("1-2", "0-0"));
    let world = world.restarted().await;
    let session = world.back(&session);
    let now = call(&session).await;
    assert_ne!(now, before);
    assert!(now.ends_with(".1-2"), "{now}");
    assert_eq!(session.after(&now).send().await.status, 200);
    // What was said on it is gone, though there is a stream of that number again.
    assert_eq!(session.after(&before).send().await.status, 410);
    assert_eq!(session.after("9-1").send().await.status, 410);
    // The standing stream goes on, and says that anything may have been missed: once.
    let mut stream = session.after(&standing).open().await;
    assert_eq!(stream.status, 200);
    all_lists_changed(&mut stream).await;
    assert_eq!(stream.message().await["params"], json!({"uri": "x://1"}));
    let position = loop {
        // Told again, as an event, when the backend has taken the subscription.
        stream.notification(UPDATED).await;
        if stream.last_id().ends_with(".0-1") {
            break stream.last_id().to_owned();
        }
    };
    drop(stream);
    let mut stream = session.after(&position).open().await;
    backend.streams(4).await;
    backend.tell(UPDATED, json!({"uri": "x://1", "n": 1}));
    assert_eq!(stream.message().await["params"], json!({"uri": "x://1", "n": 1}));
}

#[tokio::test]
async fn a_client_can_be_asked_again() {
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            let answered = call.ask("q", "sampling/createMessage", json!({})).await;
            json!({"content": [], "answered": answered["result"]})
        })
        .start()
        .await;
    let world = World::start(&backend).await;
    let session = world.served.session_of("2025-11-25", json!({"sampling": {}})).await;
    let world = world.restarted().await;
    let session = world.back(&session);
    let mut call = session
        .ask("tools/call", json!({"name": "t", "arguments": {}}))
        .open()
        .await;
    let question = call.notification("sampling/createMessage").await;
    session.answer(&question["id"], json!({"said": 1})).await;
    let result: Value = call.message().await["result"].clone();
    assert_eq!(result["answered"], json!({"said": 1}));
    let own = backend.seen("initialize").pop().unwrap();
    assert_eq!(own.message["params"]["capabilities"], json!({"sampling": {}}));
    assert_eq!(own.message["params"]["clientInfo"]["name"], "test");
}

#[tokio::test]
async fn without_a_data_folder_a_session_ends_with_its_gateway() {
    let served = Served::alone().await;
    let session = served.session().await;
    served.stopped().await;
    let served = Served::alone().await;
    assert_eq!(ping(&session.at(served.address)).await, 404);
    served.is_well().await;
}

#[tokio::test]
async fn a_batch_brings_its_session_back() {
    let world = World::with("server: {}").await;
    let session = world.served.session_of("2025-03-26", json!({})).await;
    let world = world.restarted().await;
    let batch = json!([{"jsonrpc": "2.0", "id": 1, "method": "ping"}]);
    let answered = world.back(&session).post(batch.to_string()).send().await;
    assert_eq!(answered.status, 200);
    assert_eq!(answered.message()["result"], json!({}));
}
