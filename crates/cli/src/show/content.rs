//! Content of MCP for people: texts as they are, everything else described.

use serde_json::Value;

use super::{Screen, harmless, line};

/// A text of a backend, made harmless where a terminal would obey it.
pub(crate) fn text(text: &str, screen: Screen) -> String {
    match screen.terminal {
        true => harmless(text).into_owned(),
        false => text.to_owned(),
    }
}

/// The items of a result of a tool, and what it says to programs where no text says the same.
pub(crate) fn result(content: &Value, structured: Option<&Value>, screen: Screen) -> String {
    let items = content.as_array().map_or(&[][..], Vec::as_slice);
    let mut parts: Vec<String> = items.iter().map(|block| self::item(block, screen)).collect();
    if let Some(structured) = structured {
        let says = |item: &Value| {
            let text = item["text"].as_str();
            text.and_then(|text| serde_json::from_str::<Value>(text).ok()).as_ref() == Some(structured)
        };
        if !items.iter().any(says) {
            parts.push(text(&format!("{structured:#}"), screen));
        }
    }
    parts.join("\n")
}

/// One item.
pub(crate) fn item(item: &Value, screen: Screen) -> String {
    let of = |member: &str| item[member].as_str();
    match of("type") {
        Some("text") => text(of("text").unwrap_or_default(), screen),
        Some(kind @ ("image" | "audio")) => described(kind, of("mimeType"), of("data")),
        Some("resource") => resource(&item["resource"], screen),
        Some("resource_link") => {
            let name = of("title").or(of("name")).unwrap_or("a resource");
            let uri = of("uri").unwrap_or_default();
            format!("[link: {} {}]", line(name), line(uri))
        }
        _ => text(&item.to_string(), screen),
    }
}

/// What a resource holds.
pub(crate) fn resource(resource: &Value, screen: Screen) -> String {
    match (resource["text"].as_str(), resource["blob"].as_str()) {
        (Some(said), _) => text(said, screen),
        (None, Some(blob)) => described("blob", resource["mimeType"].as_str(), Some(blob)),
        (None, None) => text(&resource.to_string(), screen),
    }
}

fn described(kind: &str, media_type: Option<&str>, base64: Option<&str>) -> String {
    let base64 = base64.unwrap_or_default();
    let bytes = base64.trim_end_matches('=').len() * 3 / 4;
    let media_type = line(media_type.unwrap_or("unknown type"));
    format!("[{kind}: {media_type}, {}; --json has it]", size(bytes))
}

fn size(bytes: usize) -> String {
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let kib = bytes as f64 / 1024.0;
    match bytes {
        ..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{kib:.1} KiB"),
        _ => format!("{:.1} MiB", kib / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PIPE: Screen = Screen {
        width: None,
        colours: false,
        terminal: false,
    };
    const TERMINAL: Screen = Screen { terminal: true, ..PIPE };

    #[test]
    fn every_kind_is_shown() {
        let content = json!([
            {"type": "text", "text": "hello\n\x1b[2J"},
            {"type": "image", "mimeType": "image/png", "data": "AAAAAAA="},
            {"type": "audio", "mimeType": "audio/wav", "data": "A".repeat(4096)},
            {"type": "resource", "resource": {"uri": "a:b", "text": "inside"}},
            {"type": "resource", "resource": {"uri": "a:b", "blob": "AAAA"}},
            {"type": "resource_link", "uri": "a:b", "name": "c"},
            {"type": "later", "n": 1},
        ]);
        insta::assert_snapshot!(result(&content, None, TERMINAL), @r#"
        hello
        \u{1b}[2J
        [image: image/png, 5 bytes; --json has it]
        [audio: audio/wav, 3.0 KiB; --json has it]
        inside
        [blob: unknown type, 3 bytes; --json has it]
        [link: c a:b]
        {"type":"later","n":1}
        "#);
        assert!(result(&content, None, PIPE).starts_with("hello\n\x1b[2J"));
    }

    #[test]
    fn structured_content_is_shown_once() {
        let structured = json!({"sum": 3});
        let said = json!([{"type": "text", "text": "{ \"sum\": 3 }"}]);
        assert_eq!(result(&said, Some(&structured), PIPE), "{ \"sum\": 3 }");
        let other = json!([{"type": "text", "text": "three"}]);
        assert_eq!(result(&other, Some(&structured), PIPE), "three\n{\n  \"sum\": 3\n}");
        assert_eq!(result(&json!([]), Some(&structured), PIPE), "{\n  \"sum\": 3\n}");
    }
}
