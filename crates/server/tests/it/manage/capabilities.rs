//! `GET /manage/v1/capabilities`.

use serde_json::{Value, json};

use crate::support::{Backend, Served};

const WEB: &str = ", filters: {tools: {deny: [secret]}, resources: {deny: [\"docs://secret*\"]}, prompts: {deny: [draft]}}, tool_overrides: {fetch: {name: get_page, description: Gets a page.}}";

/// Two backends: one with filters and another name for a tool, and one that wants the same names.
async fn served() -> (Served, [Backend; 2]) {
    let search = json!({
        "name": "search",
        "title": "Web search",
        "description": "Searches the WEB.",
        "inputSchema": {"type": "object", "properties": {"n": {"type": "number", "minimum": 1.0}}},
        "outputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": true},
    });
    let plain = |name: &str| json!({"name": name, "inputSchema": {"type": "object"}});
    let readme = json!({"uri": "docs://readme", "name": "readme", "mimeType": "text/markdown", "annotations": {"priority": 0.50}});
    let review =
        json!({"name": "review", "description": "Reviews code.", "arguments": [{"name": "code", "required": true}]});
    let web = Backend::legacy()
        .items("tools", vec![search, plain("fetch"), plain("secret")])
        .items("resources", vec![readme, json!({"uri": "docs://secret", "name": "s"})])
        .templates(&["docs://{page}"])
        .items("prompts", vec![review, json!({"name": "draft"})])
        .start()
        .await;
    let other = Backend::legacy()
        .tools(&["search"])
        .resources(&["docs://readme"])
        .prompts(&["review"])
        .start()
        .await;
    let served = Served::backends(&[web.yaml("web", WEB), other.yaml("other", "")]).await;
    served.gateway.started().await;
    (served, [web, other])
}

async fn asked(served: &Served, query: &str) -> Value {
    let answered = served.get(&format!("/manage/v1/capabilities{query}")).send().await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    answered.message()
}

fn names(answered: &Value) -> Vec<String> {
    ["tools", "resources", "resource_templates", "prompts"]
        .iter()
        .flat_map(|list| answered[*list].as_array().unwrap())
        .map(|item| {
            let known = ["uri_template", "uri", "name"]
                .iter()
                .find_map(|key| item[*key].as_str());
            format!("{}:{}", item["backend"].as_str().unwrap(), known.unwrap())
        })
        .collect()
}

#[tokio::test]
async fn all_that_clients_see_and_where_it_leads() {
    let (served, _backends) = served().await;
    let answered = served.get("/manage/v1/capabilities").send().await;
    assert!(answered.body.contains(r#""minimum":1.0"#), "{}", answered.body);
    insta::assert_json_snapshot!(answered.message());
    // The names are those that clients get.
    let session = served.session().await;
    let all = answered.message();
    let tools: Vec<&str> = all["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(session.names("tools/list").await, tools);
}

#[tokio::test]
async fn what_filters_hide_is_shown_on_demand() {
    let (served, _backends) = served().await;
    let all = asked(&served, "?filtered=true&backend=web").await;
    assert_eq!(
        names(&all),
        [
            "web:search",
            "web:get_page",
            "web:secret",
            "web:docs://readme",
            "web:docs://secret",
            "web:docs://{page}",
            "web:review",
            "web:draft"
        ]
    );
    let is_filtered = |item: &Value| item["filtered"] == true;
    let filtered = |list: &str| {
        all[list]
            .as_array()
            .unwrap()
            .iter()
            .filter(|item| is_filtered(item))
            .count()
    };
    assert_eq!(
        [filtered("tools"), filtered("resources"), filtered("prompts")],
        [1, 1, 1]
    );
    let routes = all["route_map"].as_object().unwrap();
    assert!(
        !routes.contains_key("secret") && routes.contains_key("get_page"),
        "{routes:?}"
    );
}

#[tokio::test]
async fn a_query_narrows_the_answer() {
    let (served, _backends) = served().await;
    let of = async |query: &str| names(&asked(&served, query).await);
    assert_eq!(
        of("?type=tools").await,
        ["web:search", "web:get_page", "other:other_search"]
    );
    assert_eq!(of("?type=resources").await, ["web:docs://readme", "web:docs://{page}"]);
    assert_eq!(of("?type=prompts&backend=other").await, ["other:other_review"]);
    assert_eq!(of("?backend=nobody").await, Vec::<String>::new());
    // In the name, the title and the description, in whatever case.
    assert_eq!(of("?search=the%20web").await, ["web:search"]);
    assert_eq!(of("?search=SEARCH").await, ["web:search", "other:other_search"]);
    assert_eq!(of("?search=gets").await, ["web:get_page"]);
    assert_eq!(of("?search=nothing%20of%20it").await, Vec::<String>::new());
    let narrowed = asked(&served, "?type=prompts").await;
    assert_eq!(
        narrowed["route_map"],
        json!({"review": ["web", "review"], "other_review": ["other", "review"]})
    );
}

#[tokio::test]
async fn a_query_that_means_nothing_is_refused() {
    let served = Served::alone().await;
    for query in ["?type=skills", "?type=", "?filtered=maybe"] {
        let refused = served.get(&format!("/manage/v1/capabilities{query}")).send().await;
        assert_eq!(
            (refused.status.as_u16(), &refused.message()["error"]),
            (400, &json!("bad_request")),
            "{query}"
        );
    }
    assert_eq!(names(&asked(&served, "").await), Vec::<String>::new());
}
