//! Who is answered.

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
async fn without_a_token_this_machine_is_answered_and_no_proxy() {
    let served = Served::alone().await;
    for path in OTHERS {
        assert_eq!(asked(&served, path, None).await.status, 200, "{path}");
        for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
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
