//! `POST /manage/v1/config/validate`.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Served, soon};

async fn validate(served: &Served, text: impl Into<Vec<u8>>) -> Value {
    let request = served.request(Method::POST, "/manage/v1/config/validate");
    let answered = request
        .header("content-type", "application/yaml")
        .body(text)
        .send()
        .await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    answered.message()
}

#[tokio::test]
async fn a_good_one_says_what_it_would_change_and_changes_nothing() {
    let served =
        Served::with("server: {port: 1}\nbackends: {a: {type: stdio, command: x}, b: {type: stdio, command: x}}").await;
    let text = "server: {port: 2, page_size: 3}\nbackends: {b: {type: stdio, command: y}, c: {type: stdio, command: '${NOT_SET}'}}";
    insta::assert_json_snapshot!(validate(&served, text).await);
    let config = served.gateway.config();
    let names: Vec<_> = config.backends.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!((names, config.server.page_size), (vec!["a", "b"], None));
    // JSON is YAML.
    let json = json!({"server": {"port": 1}, "backends": {"a": {"type": "stdio", "command": "x"}}});
    let answered = validate(&served, json.to_string()).await;
    assert_eq!(
        (&answered["valid"], &answered["changes"]["backends_removed"]),
        (&json!(true), &json!(["b"]))
    );
}

#[tokio::test]
async fn a_bad_one_shows_all_that_is_wrong_with_its_places() {
    let served = Served::alone().await;
    let text = "server:\n  prot: 1\n  port: 99999\nbackends:\n  a: {type: stdio}\n";
    insta::assert_json_snapshot!(validate(&served, text).await);
}

#[tokio::test]
async fn without_a_body_it_is_the_file() {
    let served = Served::alone().await;
    let answered = served.request(Method::POST, "/manage/v1/config/validate").send().await;
    insta::assert_snapshot!(answered.shown());
    assert_eq!(
        validate(&served, " \n").await["errors"][0]["message"],
        "there is no file"
    );
}

/// Each of these has the variable where a message could repeat it.
#[tokio::test]
async fn no_message_tells_what_a_variable_stands_for() {
    let served = Served::alone().await;
    let everywhere = [
        "server: {host: '${SECRET} x', port: '${SECRET}', transport: '${SECRET}', startup_wait: '${SECRET}'}",
        "server: {allowed_hosts: ['${SECRET}/x'], allowed_origins: ['${SECRET}'], seal_keys: ['${SECRET}']}",
        "server: {management: {token: '${SECRET}', enabled: '${SECRET}'}}",
        "catalogue: {grace: '${SECRET}'}",
        "conflict_resolution: {strategy: priority, order: ['${SECRET}', '${SECRET}'], separator: '${SECRET}'}",
        "backends: {a: {type: '${SECRET}'}}",
        "backends: {'${SECRET}': {type: stdio}}",
        "backends: {a: {type: streamable-http, url: '${SECRET}'}}",
        "backends: {a: {type: streamable-http, url: 'ftp://${SECRET}'}}",
        "backends: {a: {type: streamable-http, url: 'http://a.example', headers: {'${SECRET}': x, X: \"${SECRET}\\n\"}, auth: {type: '${SECRET}'}}}",
        "backends: {a: {type: stdio, command: x, group: '${SECRET} x', protocol: '${SECRET}', sharing: '${SECRET}', max_processes: '${SECRET}', filters: {tools: {deny: ['[${SECRET}']}}, tool_overrides: {t: {name: '${SECRET} x'}}}}",
        "backends: {a: {type: stdio, command: x, tool_overrides: {t: {name: '${SECRET}'}, u: {name: '${SECRET}'}}}}",
        "server: {host: '${SECRET:-', port: '${SEC RET}'}",
        "version: '${SECRET}'",
        "${SECRET}",
        "server: ${SECRET}",
    ];
    for text in everywhere {
        let answered = validate(&served, text).await;
        assert_eq!(answered["valid"], false, "{text}: {answered}");
        assert!(!answered.to_string().contains("s3cret"), "{text}: {answered}");
    }
}

#[tokio::test]
async fn hostile_ones_are_answered_soon_and_one_after_the_other() {
    let served = Served::alone().await;
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
    let texts = [
        "[".repeat(100_000),
        bomb.to_owned(),
        format!("{}: 1", "x".repeat(1 << 20)),
        "\0".to_owned(),
    ];
    let all = texts
        .iter()
        .cycle()
        .take(12)
        .map(|text| validate(&served, text.as_str()));
    for answered in soon("all answers", futures::future::join_all(all)).await {
        assert_eq!(answered["valid"], false);
        assert!(answered.to_string().len() < 10_000);
    }
    served.is_well().await;
}

#[tokio::test]
async fn what_is_no_text_or_too_much_is_refused() {
    let served = Served::with("server: {max_body_bytes: 2048}").await;
    let post = |body: Vec<u8>| {
        served
            .request(Method::POST, "/manage/v1/config/validate")
            .body(body)
            .send()
    };
    assert_eq!(post(vec![0xff]).await.status, 400);
    assert_eq!(post(vec![b' '; 2049]).await.status, 413);
}
