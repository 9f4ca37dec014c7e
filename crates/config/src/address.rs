//! Addresses for people: without what may be a key.

use crate::settings::HIDDEN;

/// Parts of a path that are nobody's key.
const ORDINARY: [&str; 5] = ["mcp", "sse", "api", "v1", "v2"];

/// A url, perhaps with variables, without what may be secret in it: some services have the key in the path, others in
/// the query. Variables without a default stay, and so do parts of the path that say nothing.
#[must_use]
pub fn shown_address(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let (address, rest) = text.split_at(end);
    let begin = address.find("://").map_or(0, |at| at + 3);
    let path = address[begin..].find('/').map_or(address.len(), |at| begin + at);
    let (origin, path) = address.split_at(path);
    let mut shown = origin.to_owned();
    for part in path.split('/').skip(1) {
        shown.push('/');
        shown.push_str(if says_nothing(part) { part } else { HIDDEN });
    }
    if let Some(mark) = rest.chars().next() {
        shown.push(mark);
        shown.push_str(HIDDEN);
    }
    shown
}

fn says_nothing(part: &str) -> bool {
    let variable = part.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    part.is_empty() || ORDINARY.contains(&part) || variable.is_some_and(|name| !name.contains([':', '$', '}']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hidden_wherever_they_stand() {
        for (text, shown) in [
            ("https://h/mcp", "https://h/mcp"),
            ("http://127.0.0.1:9/", "http://127.0.0.1:9/"),
            ("https://h", "https://h"),
            ("https://h/api/mcp/s/k3y/mcp", "https://h/api/mcp/***/***/mcp"),
            ("https://h/mcp?key=k3y", "https://h/mcp?***"),
            ("https://h?key=k3y/mcp", "https://h?***"),
            ("https://h/mcp#k3y", "https://h/mcp#***"),
            ("${BASE}/${KEY}/mcp", "${BASE}/${KEY}/mcp"),
            ("https://h/${KEY:-k3y}/mcp", "https://h/***/mcp"),
            ("https://h/${A}k3y${B}", "https://h/***"),
            ("", ""),
        ] {
            assert_eq!(shown_address(text), shown, "{text}");
        }
    }
}
