//! The catalogue at one moment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use argus_config::{Config, ConflictResolution};
use argus_protocol::{ByteString, ParamHeaders, Raw, method};
use argus_upstream::Upstream;

use super::hints::Holding;
use super::listing::Listing;
use super::seen::Seen;
use super::template::Template;
use crate::condition::Condition;

/// Where a name leads.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// The backend.
    pub(crate) upstream: Arc<Upstream>,
    /// What the backend itself calls it.
    pub(crate) original: ByteString,
    /// Whether a call may be repeated when nobody knows what became of it.
    pub(crate) repeatable: bool,
    /// The arguments of a tool that are mirrored in headers, where some are.
    pub(crate) mirrored: Option<Arc<ParamHeaders>>,
}

/// Where URIs of a template lead.
#[derive(Debug)]
pub(super) struct TemplateRoute {
    /// The template as written.
    pub(super) text: ByteString,
    pub(super) matcher: Template,
    pub(super) upstream: Arc<Upstream>,
}

/// What the configuration says of the catalogue.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rules {
    pub(super) conflicts: ConflictResolution,
    pub(super) page_size: Option<usize>,
    /// For lists of backends that cannot say how long these hold.
    pub(super) list_ttl: Duration,
}

impl From<&Config> for Rules {
    fn from(config: &Config) -> Self {
        Self {
            conflicts: config.conflict_resolution.clone(),
            page_size: config.server.page_size,
            list_ttl: config.catalogue.list_ttl,
        }
    }
}

/// All capabilities with their routes.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) tools: Listing,
    pub(crate) resources: Listing,
    pub(crate) templates: Listing,
    pub(crate) prompts: Listing,
    /// `capabilities` for legacy clients.
    pub(crate) legacy_capabilities: Raw,
    /// `capabilities` for modern clients.
    pub(crate) modern_capabilities: Raw,
    pub(crate) instructions: Option<String>,
    /// How long the two hold.
    pub(crate) holding: Holding,
    pub(super) tool_routes: HashMap<ByteString, Route>,
    pub(super) prompt_routes: HashMap<ByteString, Route>,
    pub(super) resource_routes: HashMap<ByteString, Arc<Upstream>>,
    pub(super) template_routes: Vec<TemplateRoute>,
    /// Backends that declare resources, in order.
    pub(super) readers: Vec<Arc<Upstream>>,
    /// How many items of each kind clients see of each backend, in the order of the configuration.
    pub(super) sizes: Vec<[usize; 4]>,
    /// What is to be said of each backend, in the same order.
    pub(super) conditions: Vec<Vec<Condition>>,
    /// What this was made of.
    pub(super) made_of: Vec<Seen>,
    /// And by which rules.
    pub(super) made_by: Rules,
}

impl Snapshot {
    /// Whether a snapshot of these backends, by these rules, would be the same.
    pub(crate) fn shows(&self, backends: &[Seen], rules: &Rules) -> bool {
        self.made_of == backends && self.made_by == *rules
    }

    /// The list changes that lead from here to another snapshot.
    pub(crate) fn differences(self: &Arc<Self>, other: &Arc<Self>) -> Vec<&'static str> {
        if Arc::ptr_eq(self, other) {
            return Vec::new();
        }
        let differs = |list: fn(&Self) -> &Listing| list(self).items() != list(other).items();
        [
            (method::TOOLS_CHANGED, differs(|one| &one.tools)),
            (
                method::RESOURCES_CHANGED,
                differs(|one| &one.resources) || differs(|one| &one.templates),
            ),
            (method::PROMPTS_CHANGED, differs(|one| &one.prompts)),
        ]
        .into_iter()
        .filter_map(|(method, differs)| differs.then_some(method))
        .collect()
    }

    /// Gives backends whose lists are the same here what was read of them.
    pub(crate) fn lend(&self, backends: &[Seen]) {
        for seen in backends {
            seen.borrow_from(&self.made_of);
        }
    }

    /// The backends with what is to be said of each.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = (&Arc<str>, &[Condition])> {
        let names = self.made_of.iter().map(|seen| seen.upstream.name());
        names.zip(self.conditions.iter().map(Vec::as_slice))
    }

    /// Where a tool leads.
    pub(crate) fn tool(&self, exposed: &str) -> Option<&Route> {
        self.tool_routes.get(exposed)
    }

    /// Where a prompt leads.
    pub(crate) fn prompt(&self, exposed: &str) -> Option<&Route> {
        self.prompt_routes.get(exposed)
    }

    /// The backends to ask for a URI, best first: the one that lists it, else those whose templates make it, else all
    /// that declare resources. A backend whose filter hides the URI is never asked.
    pub(crate) fn readers_of(&self, uri: &str) -> Vec<Arc<Upstream>> {
        if let Some(upstream) = self.resource_routes.get(uri) {
            return vec![Arc::clone(upstream)];
        }
        let open = |upstream: &Upstream| upstream.definition().filters.resources.passes(uri);
        let made_by = |route: &&TemplateRoute| open(&route.upstream) && route.matcher.matches(uri);
        if let Some(route) = self.template_routes.iter().find(made_by) {
            return vec![Arc::clone(&route.upstream)];
        }
        let readers = self.readers.iter().filter(|upstream| open(upstream));
        readers.cloned().collect()
    }

    /// The backend of a template that is named by its own text, as completion does.
    pub(crate) fn template_named(&self, text: &str) -> Option<&Arc<Upstream>> {
        self.template_routes
            .iter()
            .find(|route| route.text == text)
            .map(|route| &route.upstream)
    }
}
