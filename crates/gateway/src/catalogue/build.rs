//! Making a snapshot out of what the backends list.

use std::collections::HashMap;
use std::sync::Arc;

use argus_config::{ConflictResolution, Strategy};
use argus_protocol::{ByteString, Raw};
use argus_upstream::Upstream;

use super::capabilities::{self, Introduced};
use super::clash::{self, Clash};
use super::items::{Item, Kind, items};
use super::listing::Listing;
use super::names::Names;
use super::seen::Seen;
use super::snapshot::{Route, Snapshot, TemplateRoute};
use super::template::Template;
use crate::condition::{Condition, ConditionKind};

/// Makes a snapshot; `backends` in the order of the configuration. What a backend that is away listed last is not shown,
/// but its names still lead to it: no other backend may answer in its place.
pub(crate) fn build(backends: Vec<Seen>, rule: &ConflictResolution, page_size: Option<usize>) -> Snapshot {
    let mut building = Building::new(&backends, rule);
    for at in precedence(&backends, rule) {
        building.add(at);
    }
    let made = building.made;
    let list = |kind: Kind| {
        made.shown
            .iter()
            .flat_map(|lists| &lists[kind as usize])
            .cloned()
            .collect()
    };
    let introduced = introduced(&backends, &made.conditions);
    Snapshot {
        tools: Listing::new("tools", list(Kind::Tool), page_size),
        resources: Listing::new("resources", list(Kind::Resource), page_size),
        templates: Listing::new("resourceTemplates", list(Kind::Template), page_size),
        prompts: Listing::new("prompts", list(Kind::Prompt), page_size),
        legacy_capabilities: capabilities::legacy(&introduced),
        modern_capabilities: capabilities::modern(&introduced),
        instructions: capabilities::instructions(&introduced, backends.len()),
        tool_routes: made.tools,
        prompt_routes: made.prompts,
        resource_routes: made.resources,
        template_routes: made.templates,
        readers: made.readers,
        conditions: made.conditions,
        made_of: backends,
    }
}

/// The backends in the order in which they get names.
fn precedence(backends: &[Seen], rule: &ConflictResolution) -> Vec<usize> {
    let mut order: Vec<usize> = (0..backends.len()).collect();
    if let Strategy::Priority(first) = &rule.strategy {
        let place = |at: &usize| {
            let name = backends[*at].upstream.name();
            first.iter().position(|one| **one == **name).unwrap_or(first.len())
        };
        // Equal places keep the order of the configuration.
        order.sort_by_key(place);
    }
    order
}

/// What the backends that are in the catalogue said of themselves.
fn introduced<'a>(backends: &'a [Seen], conditions: &[Option<Condition>]) -> Vec<Introduced<'a>> {
    let left_out = |at: usize| {
        let condition = conditions.get(at).and_then(Option::as_ref);
        condition.is_some_and(|condition| condition.kind == ConditionKind::NameCollision)
    };
    let present = backends.iter().enumerate().filter(|(at, _)| !left_out(*at));
    present
        .filter_map(|(_, seen)| {
            Some(Introduced {
                name: seen.upstream.name(),
                hello: seen.hello.as_deref()?,
            })
        })
        .collect()
}

/// A snapshot in the making.
struct Building<'a> {
    backends: &'a [Seen],
    rule: &'a ConflictResolution,
    /// By [`Kind`].
    names: [Names<'a>; 4],
    made: Made,
}

/// What there is of it so far.
struct Made {
    /// The items that clients see, by backend and [`Kind`].
    shown: Vec<[Vec<Raw>; 4]>,
    /// By backend.
    conditions: Vec<Option<Condition>>,
    tools: HashMap<ByteString, Route>,
    prompts: HashMap<ByteString, Route>,
    resources: HashMap<ByteString, Arc<Upstream>>,
    templates: Vec<TemplateRoute>,
    readers: Vec<Arc<Upstream>>,
}

impl<'a> Building<'a> {
    fn new(backends: &'a [Seen], rule: &'a ConflictResolution) -> Self {
        let most = |count: fn(&Seen) -> usize| backends.iter().map(count).sum();
        Self {
            backends,
            rule,
            names: Kind::ALL.map(|kind| Names::new(kind, rule)),
            made: Made {
                shown: vec![Default::default(); backends.len()],
                conditions: vec![None; backends.len()],
                tools: HashMap::with_capacity(most(|seen| seen.lists.tools.len())),
                prompts: HashMap::new(),
                resources: HashMap::with_capacity(most(|seen| seen.lists.resources.len())),
                templates: Vec::new(),
                readers: Vec::new(),
            },
        }
    }

    /// Adds a backend with all that it gets names for.
    fn add(&mut self, at: usize) {
        let seen = &self.backends[at];
        let offered = Kind::ALL.map(|kind| items(seen, kind));
        let collisions = self.collisions(seen, &offered);
        if !collisions.is_empty() {
            self.made.conditions[at] = clash::condition(ConditionKind::NameCollision, &collisions);
            return;
        }
        let mut hidden = Vec::new();
        for (kind, items) in Kind::ALL.into_iter().zip(offered) {
            for item in items {
                match self.name(kind, seen, &item) {
                    Ok(exposed) => self.made.place(at, seen, kind, item, exposed),
                    Err(clash) => hidden.push(clash),
                }
            }
        }
        self.made.conditions[at] = clash::condition(ConditionKind::NamesHidden, &hidden);
        if seen.hello.as_ref().is_some_and(|hello| hello.has("resources")) {
            self.made.readers.push(Arc::clone(&seen.upstream));
        }
    }

    /// Why the backend is left out whole: with the strategy `error`, names that others have.
    fn collisions(&self, seen: &'a Seen, offered: &[Vec<Item>; 4]) -> Vec<Clash<'a>> {
        if self.rule.strategy != Strategy::Error {
            return Vec::new();
        }
        let of_kind = |(kind, items): (Kind, &'_ Vec<Item>)| -> Vec<Clash<'a>> {
            let names = &self.names[kind as usize];
            let clash = |item: &Item| {
                let holder = names.holder(seen.upstream.name(), &item.wanted)?;
                Some(Clash {
                    kind,
                    name: item.wanted.clone(),
                    holder,
                })
            };
            items.iter().filter_map(clash).collect()
        };
        Kind::ALL.into_iter().zip(offered).flat_map(of_kind).collect()
    }

    fn name(&mut self, kind: Kind, seen: &'a Seen, item: &Item) -> Result<ByteString, Clash<'a>> {
        let given = self.names[kind as usize].give(seen.upstream.name(), &item.wanted);
        given.map_err(|holder| Clash {
            kind,
            name: item.wanted.clone(),
            holder,
        })
    }
}

impl Made {
    /// Lists an item under its exposed name and notes where the name leads.
    fn place(&mut self, at: usize, seen: &Seen, kind: Kind, item: Item, exposed: ByteString) {
        if seen.shown {
            self.shown[at][kind as usize].push(item.under(&exposed));
        }
        let upstream = Arc::clone(&seen.upstream);
        match kind {
            Kind::Tool => {
                let repeatable = item.is_repeatable();
                let route = Route {
                    upstream,
                    original: item.key,
                    repeatable,
                };
                self.tools.insert(exposed, route);
            }
            Kind::Prompt => {
                let route = Route {
                    upstream,
                    original: item.key,
                    repeatable: true,
                };
                self.prompts.insert(exposed, route);
            }
            Kind::Resource => {
                self.resources.insert(exposed, upstream);
            }
            Kind::Template => self.templates.push(TemplateRoute {
                matcher: Template::parse(&exposed),
                text: exposed,
                upstream,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use argus_config::Mode;
    use argus_runtime::GuardProgram;
    use argus_upstream::{Context, FeedEvent, FeedSink, HttpClient, Lists, Phase, Remembered, State, Verdicts};
    use serde_json::{Value, json};

    use super::*;

    struct Deaf;

    impl FeedSink for Deaf {
        fn deliver(&self, _: FeedEvent) {}
    }

    /// Backends that are ready and list this, whatever their links do.
    fn ready(lists: Vec<Lists>) -> Vec<Seen> {
        let context = Arc::new(Context {
            http: HttpClient::new().unwrap(),
            guard: GuardProgram::this_program().unwrap(),
            verdicts: Verdicts::in_folder(None),
            remembered: Remembered::in_folder(None),
        });
        let one = |(at, lists): (usize, Lists)| {
            let yaml = format!("backends: {{b{at}: {{type: streamable-http, url: 'http://127.0.0.1:1/mcp'}}}}");
            let loaded = argus_config::check("", &yaml, Path::new("/"), &|_| None, Mode::Check).unwrap();
            let definition = loaded.config.backends[0].definition.clone().unwrap();
            let upstream = Upstream::start(definition, Arc::clone(&context), Arc::new(Deaf));
            let state = State {
                phase: Phase::Ready,
                ..State::pending()
            };
            Seen::new(&upstream, &state, Arc::new(lists))
        };
        lists.into_iter().enumerate().map(one).collect()
    }

    fn tools(items: impl IntoIterator<Item = Value>) -> Lists {
        Lists {
            tools: items.into_iter().map(|item| Raw::from_value(&item)).collect(),
            ..Lists::default()
        }
    }

    #[tokio::test]
    async fn annotations_say_what_may_be_repeated() {
        let mut lists = tools([
            json!({"name": "none"}),
            json!({"name": "reads", "annotations": {"readOnlyHint": true}}),
            json!({"name": "same", "annotations": {"readOnlyHint": false, "idempotentHint": true}}),
            json!({"name": "writes", "annotations": {"readOnlyHint": false, "title": "true"}}),
            json!({"name": "odd", "annotations": {"readOnlyHint": "true"}}),
            json!({"name": "odder", "annotations": true}),
        ]);
        lists.prompts.push(Raw::from_value(&json!({"name": "p"})));
        let made = build(ready(vec![lists]), &ConflictResolution::default(), None);
        let repeatable = |name: &str| made.tool(name).unwrap().repeatable;
        assert!(["reads", "same"].into_iter().all(repeatable));
        assert!(!["none", "writes", "odd", "odder"].into_iter().any(repeatable));
        assert!(made.prompt("p").unwrap().repeatable);
    }

    #[tokio::test]
    async fn measure() {
        let tool = |at: usize| {
            let text = "x".repeat(150);
            json!({"name": format!("tool-{at:04}"), "description": text, "inputSchema": {"type": "object", "properties":
                {"path": {"type": "string", "description": "what to look at"}, "depth": {"type": "integer"}}, "required": ["path"]},
                "annotations": {"readOnlyHint": true, "title": "A tool"}})
        };
        println!("{} bytes", tool(1).to_string().len());
        let lists = (0..10).map(|_| tools((0..1000).map(tool))).collect();
        let backends = ready(lists);
        for _ in 0..10 {
            let copy = backends.clone();
            let began = std::time::Instant::now();
            let made = build(copy, &ConflictResolution::default(), None);
            println!("build {:?}", began.elapsed());
            let began = std::time::Instant::now();
            assert!(made.shows(&backends));
            println!("shows {:?}", began.elapsed());
        }
    }
}
