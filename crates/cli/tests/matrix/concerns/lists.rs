//! Lists: each item as the backend wrote it.

use argus_testkit::part;
use serde_json::value::RawValue;

use crate::kinds::Era;
use crate::peer::Peer;
use crate::run::Cell;
use crate::script::{PROMPTS, RESOURCES, TEMPLATES, TOOLS};

pub(super) async fn list<P: Peer>(cell: &mut Cell<P>) {
    for (method, member, items) in [
        ("tools/list", "tools", TOOLS),
        ("resources/list", "resources", RESOURCES),
        ("resources/templates/list", "resourceTemplates", TEMPLATES),
        ("prompts/list", "prompts", PROMPTS),
    ] {
        assert_eq!(listed(cell, method, member).await, items);
    }
}

/// The items of a list, as they are written there.
pub(super) async fn listed<P: Peer>(cell: &mut Cell<P>, method: &str, member: &str) -> Vec<String> {
    let result = cell.peer.result(method, "{}").await;
    if P::ERA == Era::Modern {
        assert_eq!(
            part(&result, "resultType").as_deref(),
            Some(r#""complete""#),
            "{result}"
        );
        let lasts = part(&result, "ttlMs").map(|millis| millis.parse::<u64>());
        assert!(matches!(lasts, Some(Ok(_))), "{result}");
        let scope = part(&result, "cacheScope").unwrap_or_default();
        let meta = part(&result, "_meta").unwrap_or_default();
        let named = part(&meta, "io.modelcontextprotocol/serverInfo");
        assert!(named.is_some(), "{result}");
        assert!([r#""public""#, r#""private""#].contains(&scope.as_str()), "{result}");
    }
    let items = part(&result, member).unwrap_or_else(|| panic!("no {member}: {result}"));
    let items: Vec<Box<RawValue>> = serde_json::from_str(&items).unwrap();
    items.iter().map(|item| item.get().to_owned()).collect()
}
