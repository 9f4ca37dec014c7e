//! Client and backend of different generations: only what a generation requires is added.

use argus_testkit::part;

use super::backend::{Way, all, last_call};
use crate::payloads;
use crate::world::tool;

const MIRROR: &str = r#"{
    "tools/call %-result": [{"result": "@arguments"}],
    "tools/call %-error": [{"error": {"code":-31999,"message":"\u00e9","data":"@arguments"}}]
}"#;

const SERVER: &str = r#""io.modelcontextprotocol/serverInfo":{"name":"argus-odd","version":"1"}"#;

#[tokio::test]
async fn a_modern_client_with_a_legacy_backend() {
    let (running, backends) = all(MIRROR, |way| !way.is_modern());
    let client = running.modern();
    for (way, journal) in backends {
        for payload in payloads::in_one_line() {
            let result = client.result("tools/call", &tool(&way.tool("result"), &payload)).await;
            // The server's name is added to the payload's own `_meta`, or in one of its own.
            let result = match result.contains(&format!(",{SERVER}}}")) {
                true => result.replace(&format!(",{SERVER}"), ""),
                false => result.replace(&format!(r#","_meta":{{{SERVER}}}"#), ""),
            };
            let start = payload.strip_suffix('}').unwrap().trim_end();
            assert!(result.starts_with(start), "{way:?} {result}");
            let added = result[start.len()..].trim_end();
            assert_eq!(
                added.replace(' ', ""),
                r#","resultType":"complete"}"#,
                "{way:?} {result}"
            );
            assert_eq!(part(&last_call(&journal), "arguments").unwrap(), payload, "{way:?}");

            let error = client.error("tools/call", &tool(&way.tool("error"), &payload)).await;
            assert_eq!(
                error,
                format!(r#"{{"code":-31999,"message":"\u00e9","data":{payload}}}"#),
                "{way:?}"
            );
        }
    }
    running.stop();
}

#[tokio::test]
async fn a_legacy_client_with_a_modern_backend() {
    let (running, backends) = all(MIRROR, Way::is_modern);
    let plain = (running.plain().await, "{}");
    let askable = (running.askable().await, r#"{"elicitation":{},"sampling":{}}"#);
    for (client, declared) in [plain, askable] {
        let declared = format!(r#""io.modelcontextprotocol/clientCapabilities":{declared},"#);
        for (way, journal) in &backends {
            for payload in payloads::in_one_line() {
                let sent = tool(&way.tool("result"), &payload);
                assert_eq!(client.result("tools/call", &sent).await, payload, "{way:?}");
                let arrived = last_call(journal);
                let meta = format!(r#"{},"_meta":{{"#, sent.strip_suffix('}').unwrap());
                assert!(arrived.starts_with(&meta), "{way:?} {arrived}");
                assert!(arrived.contains(&declared), "{arrived}");

                let error = client.error("tools/call", &tool(&way.tool("error"), &payload)).await;
                assert_eq!(
                    error,
                    format!(r#"{{"code":-31999,"message":"\u00e9","data":{payload}}}"#),
                    "{way:?}"
                );
            }
        }
    }
    running.stop();
}
