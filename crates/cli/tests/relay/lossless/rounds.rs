//! Questions of the stateless generation: in results, answered in a second request.

use argus_testkit::part;

use super::backend::{all, last_call};
use crate::payloads;

const ROUNDS: &str = r#"{"tools/call %-ask": [{"result": { "resultType" : "input_required","inputRequests":{"q":{"method":"elicitation/create","params":"@arguments"}}, "requestState":"s\u00e9\/ é","x":1.0}}]}"#;

#[tokio::test]
async fn questions_answers_and_the_state() {
    let (running, backends) = all(ROUNDS, super::backend::Way::is_modern);
    for (way, journal) in backends {
        let client = way.client(&running).await;
        let name = way.tool("ask");
        for payload in payloads::in_one_line() {
            let first = format!(r#"{{"name":"{name}","arguments":{payload}}}"#);
            let result = client.result("tools/call", &first).await;
            let state = part(&result, "requestState").unwrap();
            let expected = format!(
                r#"{{ "resultType" : "input_required","inputRequests":{{"q":{{"method":"elicitation/create","params":{payload}}}}}, "requestState":{state},"x":1.0}}"#
            );
            assert_eq!(result, expected, "{way:?}");
            assert!(!state.contains("00e9"), "the state is sealed: {state}");

            let second = format!(
                r#"{{"name":"{name}","requestState" : {state},"inputResponses":{{"q":{payload}}},"arguments":{payload}}}"#
            );
            client.result("tools/call", &second).await;
            let arrived = last_call(&journal);
            let expected = format!(
                r#"{{"name":"{name}","requestState" : "s\u00e9\/ é","inputResponses":{{"q":{payload}}},"arguments":{payload},"_meta""#
            );
            assert!(arrived.starts_with(&expected), "{way:?} {arrived}");
        }
    }
    running.stop();
}
