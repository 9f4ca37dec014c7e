//! What is asked of lists.

use argus_api::{CapabilityType, Severity};
use url::Url;

/// Which capabilities.
#[derive(Debug, Clone, Default)]
pub struct CapabilityQuery<'a> {
    /// Only these.
    pub kind: Option<CapabilityType>,
    /// Only those of this backend.
    pub backend: Option<&'a str>,
    /// Only those with this in their name, title or description.
    pub search: Option<&'a str>,
    /// Also those that filters hide.
    pub filtered: bool,
}

impl CapabilityQuery<'_> {
    pub(crate) fn add_to(&self, url: &mut Url) {
        let kind = self.kind.map(|kind| match kind {
            CapabilityType::Tools => "tools",
            CapabilityType::Resources => "resources",
            CapabilityType::Prompts => "prompts",
        });
        let filtered = self.filtered.then_some("true");
        let members = [
            ("type", kind),
            ("backend", self.backend),
            ("search", self.search),
            ("filtered", filtered),
        ];
        add(url, members);
    }
}

/// Which events.
#[derive(Debug, Clone, Default)]
pub struct EventQuery<'a> {
    /// At most so many, the newest; without it the gateway decides.
    pub limit: Option<usize>,
    /// Only what came after this time (RFC 3339).
    pub since: Option<&'a str>,
    /// Only this severity.
    pub severity: Option<Severity>,
}

impl EventQuery<'_> {
    pub(crate) fn add_to(&self, url: &mut Url) {
        let limit = self.limit.map(|limit| limit.to_string());
        let severity = self.severity.map(|severity| match severity {
            Severity::Debug => "debug",
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        });
        let members = [
            ("limit", limit.as_deref()),
            ("since", self.since),
            ("severity", severity),
        ];
        add(url, members);
    }
}

/// Adds what is there to the query.
pub(crate) fn add<const N: usize>(url: &mut Url, members: [(&str, Option<&str>); N]) {
    for (name, value) in members {
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
}
