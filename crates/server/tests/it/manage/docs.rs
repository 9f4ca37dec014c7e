//! `GET /manage/v1/docs`. What a browser makes of it is seen in the end-to-end tests.

use http::Method;

use crate::support::Served;

const TOKEN: &str = "server: {management: {token: 9f86d081884c7d659a2feaa0c55ad015}}";

#[tokio::test]
async fn the_page() {
    let served = Served::alone().await;
    insta::assert_snapshot!(served.get("/manage/v1/docs").send().await.shown());
}

/// All that the page and the files name is there.
#[tokio::test]
async fn its_files() {
    let served = Served::alone().await;
    for (name, kind) in [
        ("page.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("openapi.json", "application/json"),
    ] {
        let answered = served.get(&format!("/manage/v1/docs/{name}")).open().await;
        assert_eq!(
            (answered.status.as_u16(), &answered.headers["content-type"]),
            (200, &kind.parse().unwrap()),
            "{name}"
        );
    }
    let page = served.get("/manage/v1/docs").send().await.body;
    let named = page
        .split("\"docs/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap());
    assert_eq!(
        named.collect::<Vec<_>>(),
        ["swagger-ui.css", "swagger-ui-bundle.js", "page.js"]
    );
    let document = served.get("/manage/v1/docs/openapi.json").send().await.message();
    assert_eq!(document, served.get("/manage/v1/openapi.json").send().await.message());
    for name in ["index.html", "swagger-initializer.js", "..%2f", "x"] {
        let answered = served.get(&format!("/manage/v1/docs/{name}")).send().await;
        assert_eq!(answered.status, 404, "{name}");
    }
    let slash = served.get("/manage/v1/docs/").send().await;
    assert_eq!(
        (slash.status.as_u16(), &slash.headers["location"]),
        (308, &"../docs".parse().unwrap())
    );
    assert_eq!(served.request(Method::POST, "/manage/v1/docs").send().await.status, 405);
}

#[tokio::test]
async fn with_a_token_the_page_is_for_all_and_the_rest_is_not() {
    let served = Served::with(TOKEN).await;
    assert_eq!(served.get("/manage/v1/docs").send().await.status, 200);
    assert_eq!(served.get("/manage/v1/docs/openapi.json").send().await.status, 200);
    assert_eq!(served.get("/manage/v1/openapi.json").send().await.status, 401);
    let foreign = served
        .get("/manage/v1/docs")
        .header("origin", "https://evil.example")
        .send()
        .await;
    assert_eq!(foreign.status, 403);
}

#[tokio::test]
async fn without_one_it_is_for_this_machine() {
    let served = Served::alone().await;
    let proxied = served
        .get("/manage/v1/docs")
        .header("x-forwarded-for", "10.0.0.1")
        .send()
        .await;
    assert_eq!(proxied.status, 403);
}
