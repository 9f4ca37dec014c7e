//! What an operator sees of a snapshot: every item with its backend and the name that the backend knows it by.

use std::collections::HashMap;
use std::sync::Arc;

use argus_protocol::{ByteString, Raw};
use argus_upstream::Upstream;

use super::items::{Item, Kind, Offered};
use super::seen::Seen;
use super::snapshot::{Route, Snapshot};

/// A tool, resource, resource template or prompt, as an operator sees it.
#[derive(Debug, Clone)]
pub struct Capability {
    /// The backend.
    pub backend: Arc<str>,
    /// The name that clients know it by; the URI of a resource, the text of a template.
    pub name: ByteString,
    /// What the backend itself calls it.
    pub original: ByteString,
    /// Whether a filter hides it.
    pub filtered: bool,
    /// The item as clients see it, or would.
    pub item: Raw,
}

/// How much clients see of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueSize {
    /// The backend.
    pub backend: Arc<str>,
    /// The number of items of each kind.
    pub kinds: [(Kind, usize); 4],
}

impl Snapshot {
    /// The items of a kind, in the order in which clients see them; `filtered` adds those that filters hide.
    pub(crate) fn view(&self, kind: Kind, filtered: bool) -> Vec<Capability> {
        let exposed = Exposed::of(self, kind);
        let mut view = Vec::new();
        for seen in self.made_of.iter().filter(|seen| seen.shown) {
            let definition = &*seen.definition;
            let whole;
            let offered = if filtered {
                whole = Offered::unfiltered(definition, &seen.lists, kind);
                &whole
            } else {
                seen.offered().of_kind(kind)
            };
            let filter = kind.filter(&definition.filters);
            view.extend(offered.iter().filter_map(|item: &Item| {
                let filtered = !filter.passes(&item.key);
                // What neither a filter hides nor a name leads to has lost its name to another backend.
                let name = match filtered {
                    true => &item.wanted,
                    false => exposed.name_of(&seen.upstream, item)?,
                };
                Some(Capability {
                    backend: Arc::clone(seen.upstream.name()),
                    name: name.clone(),
                    original: item.key.clone(),
                    filtered,
                    item: item.under(name),
                })
            }));
        }
        view
    }

    /// How many items of each kind clients see of each backend, in the order of the configuration.
    pub(crate) fn sizes(&self) -> Vec<CatalogueSize> {
        let backends = self.made_of.iter().zip(&self.sizes);
        let size = |(seen, sizes): (&Seen, &[usize; 4])| CatalogueSize {
            backend: Arc::clone(seen.upstream.name()),
            kinds: Kind::ALL.map(|kind| (kind, sizes[kind as usize])),
        };
        backends.map(size).collect()
    }

    /// How many tools, resources and prompts clients see.
    pub(crate) fn counts(&self) -> [usize; 3] {
        [&self.tools, &self.resources, &self.prompts].map(|list| list.items().len())
    }
}

/// The names of one kind, from the backends' side.
enum Exposed<'s> {
    /// By backend and its own name.
    Names(HashMap<(*const Upstream, &'s ByteString), &'s ByteString>),
    /// A URI has no other name.
    Resources(&'s Snapshot),
    Templates(&'s Snapshot),
}

impl<'s> Exposed<'s> {
    fn of(snapshot: &'s Snapshot, kind: Kind) -> Self {
        let names = |routes: &'s HashMap<ByteString, Route>| {
            let pair = |(name, route): (&'s ByteString, &'s Route)| {
                let own = (Arc::as_ptr(&route.upstream), &route.original);
                (own, name)
            };
            Self::Names(routes.iter().map(pair).collect())
        };
        match kind {
            Kind::Tool => names(&snapshot.tool_routes),
            Kind::Prompt => names(&snapshot.prompt_routes),
            Kind::Resource => Self::Resources(snapshot),
            Kind::Template => Self::Templates(snapshot),
        }
    }

    fn name_of<'i>(&self, upstream: &Arc<Upstream>, item: &'i Item) -> Option<&'i ByteString>
    where
        's: 'i,
    {
        match self {
            Self::Names(names) => names.get(&(Arc::as_ptr(upstream), &item.key)).copied(),
            Self::Resources(snapshot) => {
                let holder = snapshot.resource_routes.get(&item.key)?;
                Arc::ptr_eq(holder, upstream).then_some(&item.key)
            }
            Self::Templates(snapshot) => {
                let mut routes = snapshot.template_routes.iter();
                let is_it = routes.any(|route| route.text == item.key && Arc::ptr_eq(&route.upstream, upstream));
                is_it.then_some(&item.key)
            }
        }
    }
}
