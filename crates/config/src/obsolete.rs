//! Keys and values that the originals know and this release refuses, each with a sentence that says what to do.
//!
//! To lift a capability, remove its row here and declare its fields in its section.

use crate::decode::KeyPath;

/// A key (or a value of a key) that is refused. In a path, `*` stands for any one name.
struct Row {
    path: &'static str,
    value: Option<&'static str>,
    sentence: &'static str,
}

const fn key(path: &'static str, sentence: &'static str) -> Row {
    Row {
        path,
        value: None,
        sentence,
    }
}

const fn value(path: &'static str, value: &'static str, sentence: &'static str) -> Row {
    Row {
        path,
        value: Some(value),
        sentence,
    }
}

const PROVENANCE: &str = "obsolete: who changed what is not kept in the configuration; keep the file in version \
                          control and remove the key";
const LATER: &str = "this release does not have it yet; remove the key";
const OF_SSE: &str = "it belongs to `type: sse`, whose process it waits for; remove it or change the type";
const LATER_AUTH: &str = "this release does not have this kind of `auth` yet; use `type: static` with `headers`";

const ROWS: &[Row] = &[
    // Obsolete: something else does this here.
    key(
        "session_pool",
        "obsolete: connections to backends are pooled without settings; remove the key",
    ),
    key(
        "http_pool",
        "obsolete: HTTP connections are pooled without settings; remove the key",
    ),
    key(
        "retry",
        "obsolete: a lost backend is reconnected with growing pauses without settings; remove the key",
    ),
    key(
        "sse_resilience",
        "obsolete: keep-alives and slow readers are taken care of without settings; remove the key",
    ),
    key(
        "backends.*.timeouts.retries",
        "obsolete: a backend is reconnected until it answers; `timeouts.startup` bounds one attempt",
    ),
    key(
        "backends.*.timeouts.retry_delay",
        "obsolete: the pause between attempts grows by itself; `timeouts.startup` bounds one attempt",
    ),
    key("backends.*.created_by", PROVENANCE),
    key("backends.*.updated_by", PROVENANCE),
    key("backends.*.created_via", PROVENANCE),
    key("backends.*.updated_via", PROVENANCE),
    key("backends.*.import_batch_id", PROVENANCE),
    key("backends.*.metadata_version", PROVENANCE),
    // Later: the capability comes with a later release.
    key("audit", LATER),
    key("optimizer", LATER),
    key("telemetry", LATER),
    key("secrets", LATER),
    key("registries", LATER),
    key("incoming_auth", LATER),
    key("authorization", LATER),
    key("security", LATER),
    key("rate_limits", LATER),
    key("plugins", LATER),
    key("skills", LATER),
    key("workflows", LATER),
    key("client", LATER),
    key("server.auth_background_refresh_enabled", LATER),
    key("server.auth_background_refresh_interval_seconds", LATER),
    key("backends.*.container", LATER),
    key("backends.*.timeouts.sse_startup", OF_SSE),
    value("backends.*.auth.type", "oauth2", LATER_AUTH),
    value("backends.*.auth.type", "pkce", LATER_AUTH),
];

/// Words that people write for a value that has another name here.
const SYNONYMS: &[(&str, &str, &str)] = &[
    ("backends.*.type", "remote", "streamable-http"),
    ("backends.*.type", "http", "streamable-http"),
    ("backends.*.type", "https", "streamable-http"),
    ("backends.*.type", "streamable_http", "streamable-http"),
    ("backends.*.type", "streamablehttp", "streamable-http"),
    ("backends.*.type", "server-sent-events", "sse"),
    ("server.transport", "streamable_http", "streamable-http"),
    ("server.transport", "streamablehttp", "streamable-http"),
    ("server.transport", "server-sent-events", "sse"),
];

/// Why a `secret:name` value is refused.
pub(crate) const SECRET_REFERENCE: &str =
    "this release does not have the secret store yet; use `${VARIABLE}` and set the variable";

/// Whether the whole value is a reference into the secret store of the original.
pub(crate) fn is_secret_reference(text: &str) -> bool {
    text.strip_prefix("secret:").is_some_and(|name| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    })
}

/// Whether keys that do not belong below a key may be secrets, as what is written beside `token:` by mistake.
pub(crate) fn is_around_secrets(key: &str) -> bool {
    key == "management" || holds_secrets(key)
}

/// Whether everything below a key is kept to itself.
pub(crate) fn holds_secrets(key: &str) -> bool {
    ["env", "headers", "auth", "token", "seal_keys"].contains(&key)
}

/// The sentence for a refused key.
pub(crate) fn refused_key(path: &KeyPath) -> Option<&'static str> {
    ROWS.iter()
        .find(|row| row.value.is_none() && matches(row.path, path))
        .map(|row| row.sentence)
}

/// The sentence for a refused value.
pub(crate) fn refused_value(path: &KeyPath, text: &str) -> Option<&'static str> {
    ROWS.iter()
        .find(|row| row.value == Some(text) && matches(row.path, path))
        .map(|row| row.sentence)
}

/// The name that a value has here.
pub(crate) fn synonym(path: &KeyPath, text: &str) -> Option<&'static str> {
    SYNONYMS
        .iter()
        .find(|(row, word, _)| matches(row, path) && word.eq_ignore_ascii_case(text))
        .map(|(.., name)| *name)
}

fn matches(pattern: &str, path: &KeyPath) -> bool {
    let mut parts = path.parts();
    pattern
        .split('.')
        .all(|expected| parts.next().is_some_and(|part| expected == "*" || expected == part))
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Mode, check};

    /// A file that uses the row, and nothing else that is wrong apart from keys that are missing.
    fn file(row: &Row) -> String {
        let parts: Vec<&str> = row.path.split('.').collect();
        let inner = row.value.unwrap_or("x");
        let body = parts.iter().rev().fold(inner.to_owned(), |inner, key| {
            format!("{{{}: {inner}}}", key.replace('*', "a"))
        });
        let typed = if row.path == "backends.*.type" {
            ""
        } else {
            "{type: streamable-http, url: 'http://a', "
        };
        if typed.is_empty() {
            body
        } else {
            body.replacen("{a: {", &format!("{{a: {typed}"), 1)
        }
    }

    #[test]
    fn each_row_is_refused_with_its_sentence() {
        for row in ROWS {
            let text = file(row);
            let report = check("config.yaml", &text, Path::new("/"), &|_| None, Mode::Check).expect_err(&text);
            let sentences: Vec<_> = report
                .findings()
                .iter()
                .filter_map(|finding| finding.remedy())
                .collect();
            assert!(sentences.contains(&row.sentence), "{text}: {report}");
        }
    }

    #[test]
    fn secret_references_are_whole_values_only() {
        assert!(is_secret_reference("secret:my-token"));
        assert!(!is_secret_reference("secret:"));
        assert!(!is_secret_reference("Bearer secret:x"));
        assert!(!is_secret_reference("secret: with a space"));
    }
}
