//! What is listed follows the backends, and clients hear of it when it stands.

use serde_json::json;

use super::echoing;
use crate::support::{Open, Served, Session};

const CHANGED: &str = "notifications/tools/list_changed";

/// Hears of a change, which leads to these tools and to no others.
async fn becomes(session: &Session, stream: &mut Open, tools: &[&str]) {
    stream.notification(CHANGED).await;
    assert_eq!(session.names("tools/list").await, tools);
}

#[tokio::test]
async fn clients_hear_of_a_backend_that_goes_and_comes_back() {
    let one = echoing("one").tools(&["x"]).start().await;
    let two = echoing("two").tools(&["x", "y"]).start().await;
    let lines = [one.yaml("one", ""), two.yaml("two", "")].concat();
    let served = Served::with(&format!("catalogue: {{grace: 0}}\nbackends:\n{lines}")).await;
    let session = served.session().await;
    let mut stream = session.listen().await;
    assert_eq!(session.names("tools/list").await, ["x", "two_x", "y"]);
    one.streams(1).await;
    one.set_dead(true);
    becomes(&session, &mut stream, &["two_x", "y"]).await;
    one.set_dead(false);
    becomes(&session, &mut stream, &["x", "two_x", "y"]).await;
}

#[tokio::test]
async fn a_change_of_a_hidden_backend_counts_when_it_comes_back() {
    let one = echoing("one").tools(&["x"]).start().await;
    let two = echoing("two").tools(&["x"]).start().await;
    let lines = [one.yaml("one", ""), two.yaml("two", "")].concat();
    let served = Served::with(&format!("conflict_resolution: {{strategy: error}}\nbackends:\n{lines}")).await;
    let session = served.session().await;
    let mut stream = session.listen().await;
    assert_eq!(session.names("tools/list").await, ["x"]);
    two.streams(1).await;
    two.set_tools(&["y"]);
    two.tell(CHANGED, json!({}));
    becomes(&session, &mut stream, &["x", "y"]).await;
}
