//! Who is answered.

use super::hostile::paths;
use crate::support::{Served, Whole};

const TOKEN: &str = "d41d8cd98f00b204e9800998ecf8427e";
const OTHERS: [&str; 8] = [
    "status",
    "backends",
    "groups",
    "capabilities",
    "sessions",
    "events",
    "batch",
    "openapi.json",
];

async fn asked(served: &Served, path: &str, header: Option<(&'static str, &str)>) -> Whole {
    let mut request = served.get(&format!("/manage/v1/{path}"));
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    request.send().await
}

#[tokio::test]
async fn with_a_token_the_token_is_needed() {
    let served = Served::with(&format!("server: {{management: {{token: {TOKEN}}}}}")).await;
    for path in OTHERS {
        let refused = asked(&served, path, None).await;
        assert_eq!(refused.status, 401, "{path}");
        assert_eq!(refused.headers["www-authenticate"], "Bearer");
        assert_eq!(refused.message()["error"], "unauthorized");
        assert!(!refused.body.contains(TOKEN));
        let wrong = format!("Bearer {}", TOKEN.to_uppercase());
        assert_eq!(asked(&served, path, Some(("authorization", &wrong))).await.status, 401);
        for scheme in ["Bearer", "bearer"] {
            let right = format!("{scheme} {TOKEN}");
            assert_eq!(
                asked(&served, path, Some(("authorization", &right))).await.status,
                200,
                "{path}"
            );
        }
    }
    for path in ["health", "ready"] {
        assert_eq!(asked(&served, path, None).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn no_operation_is_done_for_strangers() {
    let guarded = Served::with(&format!("server: {{management: {{token: {TOKEN}}}}}")).await;
    let local = Served::alone().await;
    let mut asked = 0;
    for (path, methods) in paths(&local).await {
        // The page holds nothing; without a token it is for this machine, as its own tests say.
        if ["health", "ready", "docs"].contains(&path.as_str()) {
            continue;
        }
        for method in methods {
            let method = http::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let url = format!("/manage/v1/{path}");
            let refused = guarded.request(method.clone(), &url).send().await;
            assert_eq!(refused.status, 401, "{method} {path}");
            for name in ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded"] {
                let far = local
                    .request(method.clone(), &url)
                    .header(name, "10.0.0.1")
                    .send()
                    .await;
                assert_eq!(far.status, 403, "{method} {path} {name}");
            }
            asked += 1;
        }
    }
    assert!(asked > 25, "{asked}");
}

#[tokio::test]
async fn without_a_token_this_machine_is_answered_and_no_proxy() {
    let served = Served::alone().await;
    for path in OTHERS {
        assert_eq!(asked(&served, path, None).await.status, 200, "{path}");
        for name in ["x-forwarded-for", "forwarded", "x-real-ip", "via"] {
            let refused = asked(&served, path, Some((name, "127.0.0.1"))).await;
            assert_eq!(refused.status, 403, "{path}");
            assert!(refused.body.contains("ARGUS_MGMT_TOKEN"), "{}", refused.body);
        }
    }
    for path in ["health", "ready"] {
        assert_eq!(
            asked(&served, path, Some(("x-forwarded-for", "10.0.0.1"))).await.status,
            200
        );
    }
}

#[tokio::test]
async fn web_pages_are_not_answered() {
    let served = Served::alone().await;
    let refused = asked(&served, "status", Some(("origin", "https://evil.example"))).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.message()["error"]),
        (403, &"forbidden".into())
    );
    assert_eq!(
        asked(&served, "status", Some(("host", "evil.example"))).await.status,
        403
    );
}

#[tokio::test]
async fn without_a_token_no_page_is_answered_whatever_is_listed() {
    for listed in ["'*'", "https://app.example"] {
        let local = Served::with(&format!("server: {{allowed_origins: [{listed}]}}")).await;
        let token = Served::with(&format!(
            "server: {{allowed_origins: [{listed}], management: {{token: {TOKEN}}}}}"
        ))
        .await;
        for path in OTHERS {
            let page = ("origin", "https://app.example");
            let refused = asked(&local, path, Some(page)).await;
            assert_eq!(
                (refused.status.as_u16(), &refused.message()["error"]),
                (403, &"forbidden".into()),
                "{path}"
            );
            assert!(refused.body.contains("ARGUS_MGMT_TOKEN"), "{}", refused.body);
            let request = token.get(&format!("/manage/v1/{path}")).header(page.0, page.1);
            let shown = format!("Bearer {TOKEN}");
            assert_eq!(
                request.header("authorization", &shown).send().await.status,
                200,
                "{path}"
            );
        }
        let simple = local.request(http::Method::POST, "/manage/v1/shutdown");
        let simple = simple
            .header("content-type", "text/plain")
            .header("origin", "https://app.example");
        assert_eq!(simple.send().await.status, 403);
        // They may use the tools.
        let ping = local.post(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        assert_ne!(ping.header("origin", "https://app.example").send().await.status, 403);
    }
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_enough() {
    // It passes for all else, as every name does where the gateway is bound to all addresses.
    let served = Served::with("server: {allowed_hosts: ['evil.example:9000']}").await;
    let ask = async |host: &str, origin: Option<&str>, path: &str| {
        let mut request = served.get(&format!("/manage/v1/{path}")).header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.send().await
    };
    for path in OTHERS {
        for origin in [None, Some("http://evil.example:9000")] {
            let refused = ask("evil.example:9000", origin, path).await;
            assert_eq!(refused.status, 403, "{path}");
            assert!(refused.body.contains("ARGUS_MGMT_TOKEN"), "{}", refused.body);
        }
        for host in ["localhost:9000", "127.0.0.1", "[::1]:9000"] {
            assert_eq!(ask(host, None, path).await.status, 200, "{path}");
        }
    }
    assert_eq!(ask("evil.example:9000", None, "health").await.status, 200);
}

#[tokio::test]
async fn switched_off_it_is_not_there() {
    let served = Served::with("server: {management: {enabled: false}}").await;
    for path in ["health", "ready", "status"] {
        assert_eq!(asked(&served, path, None).await.status, 404, "{path}");
    }
    served.is_well().await;
}

#[tokio::test]
async fn answers_are_of_no_use_to_a_browser() {
    let served = Served::alone().await;
    for path in ["health", "status", "nothing"] {
        let answered = asked(&served, path, None).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'"),
        ] {
            assert_eq!(answered.headers[name], value, "{path}");
        }
    }
}
