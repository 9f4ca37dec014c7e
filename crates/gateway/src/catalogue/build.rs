//! Making a snapshot out of what the backends list.

use std::collections::HashMap;
use std::sync::Arc;

use argus_config::{ConflictResolution, Strategy};
use argus_protocol::{ByteString, Raw};
use argus_upstream::Upstream;

use super::capabilities::{self, Introduced};
use super::clash::{self, Clash};
use super::hints::Holding;
use super::items::{Item, Kind, Offered};
use super::listing::Listing;
use super::marks;
use super::names::Names;
use super::seen::Seen;
use super::snapshot::{Route, Rules, Snapshot, TemplateRoute};
use super::template::Template;
use crate::condition::{Condition, ConditionKind};

/// Makes a snapshot; `backends` in the order of the configuration. What a backend that is away listed last is not shown,
/// but its names still lead to it: no other backend may answer in its place.
pub(crate) fn build(backends: Vec<Seen>, rules: &Rules) -> Snapshot {
    let (rule, page_size, list_ttl) = (&rules.conflicts, rules.page_size, rules.list_ttl);
    let mut building = Building::new(&backends, rule);
    for at in precedence(&backends, rule) {
        building.add(at);
    }
    let made = building.made;
    let list = |member, kind: Kind| {
        let shown = made.shown.iter().flat_map(|lists| &lists[kind as usize]);
        let holding = Holding::of_list(present(&backends, &made.conditions), kind, list_ttl);
        Listing::new(member, shown.cloned().collect(), page_size, holding)
    };
    let introduced = introduced(&backends, &made.conditions);
    let sizes = made
        .shown
        .iter()
        .map(|lists| Kind::ALL.map(|kind| lists[kind as usize].len()));
    Snapshot {
        sizes: sizes.collect(),
        tools: list("tools", Kind::Tool),
        resources: list("resources", Kind::Resource),
        templates: list("resourceTemplates", Kind::Template),
        prompts: list("prompts", Kind::Prompt),
        holding: Holding::of_hello(present(&backends, &made.conditions)),
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
        made_by: rules.clone(),
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

/// The backends that are in the catalogue.
fn present<'a>(backends: &'a [Seen], conditions: &'a [Vec<Condition>]) -> impl Iterator<Item = &'a Seen> {
    let left_out = |at: usize| {
        let mut of_it = conditions.get(at).into_iter().flatten();
        of_it.any(|condition| condition.kind == ConditionKind::NameCollision)
    };
    let all = backends.iter().enumerate();
    all.filter_map(move |(at, seen)| (!left_out(at)).then_some(seen))
}

/// What the backends that are in the catalogue said of themselves.
fn introduced<'a>(backends: &'a [Seen], conditions: &'a [Vec<Condition>]) -> Vec<Introduced<'a>> {
    present(backends, conditions)
        .filter_map(|seen| {
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
    conditions: Vec<Vec<Condition>>,
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
                conditions: vec![Vec::new(); backends.len()],
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
        let backends = self.backends;
        let seen = &backends[at];
        let offered = seen.offered();
        let collisions = self.collisions(seen, offered);
        if !collisions.is_empty() {
            self.made.conditions[at].extend(clash::condition(ConditionKind::NameCollision, &collisions));
            return;
        }
        let mut hidden = Vec::new();
        for (kind, items) in offered.kinds() {
            for item in items {
                match self.name(kind, seen, item) {
                    Ok(exposed) => self.made.place(at, seen, kind, item, exposed),
                    Err(clash) => hidden.push(clash),
                }
            }
        }
        let hidden = clash::condition(ConditionKind::NamesHidden, &hidden);
        self.made.conditions[at].extend(hidden.into_iter().chain(marks::condition(offered)));
        if seen.hello.as_ref().is_some_and(|hello| hello.has("resources")) {
            self.made.readers.push(Arc::clone(&seen.upstream));
        }
    }

    /// Why the backend is left out whole: with the strategy `error`, names that others have.
    fn collisions(&self, seen: &'a Seen, offered: &Offered) -> Vec<Clash<'a>> {
        if self.rule.strategy != Strategy::Error {
            return Vec::new();
        }
        let mut collisions = Vec::new();
        for (kind, items) in offered.kinds() {
            let names = &self.names[kind as usize];
            collisions.extend(items.iter().filter_map(|item| {
                let holder = names.holder(seen.upstream.name(), &item.wanted)?;
                Some(Clash {
                    kind,
                    name: item.wanted.clone(),
                    holder,
                })
            }));
        }
        collisions
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
    fn place(&mut self, at: usize, seen: &Seen, kind: Kind, item: &Item, exposed: ByteString) {
        if seen.shown {
            self.shown[at][kind as usize].push(item.under(&exposed));
        }
        let upstream = Arc::clone(&seen.upstream);
        let route = |upstream| Route {
            upstream,
            original: item.key.clone(),
            repeatable: item.repeatable,
            mirrored: item.mirrored.as_ref().ok().cloned().flatten(),
        };
        match kind {
            Kind::Tool => {
                self.tools.insert(exposed, route(upstream));
            }
            Kind::Prompt => {
                self.prompts.insert(exposed, route(upstream));
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
    use argus_upstream::{
        Context, FeedEvent, FeedSink, GracePeriod, HttpClient, Lists, Logs, Phase, Remembered, State, Verdicts,
    };
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
            logs: Logs::default(),
            grace: Arc::new(GracePeriod::new(Some(std::time::Duration::ZERO))),
        });
        let one = |(at, lists): (usize, Lists)| {
            let yaml = format!("backends: {{b{at}: {{type: streamable-http, url: 'http://127.0.0.1:1/mcp'}}}}");
            let loaded = argus_config::check("", &yaml, Path::new("/"), &|_| None, Mode::Check).unwrap();
            let definition = loaded.config.backends[0].definition.clone().unwrap();
            let upstream = Upstream::start(definition, Arc::clone(&context), Arc::new(Deaf));
            let state = State {
                phase: Phase::Ready,
                shown: true,
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
    async fn a_route_knows_what_may_be_repeated() {
        let mut lists = tools([
            json!({"name": "reads", "annotations": {"readOnlyHint": true}}),
            json!({"name": "writes"}),
        ]);
        lists.prompts.push(Raw::from_value(&json!({"name": "p"})));
        let made = build(ready(vec![lists]), &Rules::default());
        let routes = [made.tool("reads"), made.tool("writes"), made.prompt("p")];
        assert_eq!(routes.map(|route| route.unwrap().repeatable), [true, false, true]);
    }

    /// The same backends at a later moment.
    fn later(seen: &Seen, phase: Phase, lists: &Lists) -> Seen {
        let state = State {
            phase,
            shown: phase != Phase::Failed,
            ..State::pending()
        };
        Seen::new(&seen.upstream, &state, Arc::new(lists.clone()))
    }

    #[tokio::test]
    async fn the_same_backends_make_the_same_snapshot() {
        let lists = tools([json!({"name": "x"})]);
        let backends = ready(vec![lists.clone(), lists.clone()]);
        let made = build(backends.clone(), &Rules::default());
        let changed = |phase, lists: &Lists| [backends[0].clone(), later(&backends[1], phase, lists)];
        assert!(made.shows(&changed(Phase::Ready, &lists), &Rules::default()));
        assert!(made.shows(&changed(Phase::Initializing, &lists), &Rules::default()));
        assert!(!made.shows(&changed(Phase::Failed, &lists), &Rules::default()));
        assert!(!made.shows(
            &changed(Phase::Ready, &tools([json!({"name": "y"})])),
            &Rules::default()
        ));
        assert!(!made.shows(&backends[..1], &Rules::default()));
        let other = Rules {
            page_size: Some(1),
            ..Rules::default()
        };
        assert!(made.shows(&backends, &Rules::default()) && !made.shows(&backends, &other));
    }

    #[tokio::test]
    async fn lists_that_stay_are_not_read_again() {
        let lists = tools([json!({"name": "x"})]);
        let made = build(ready(vec![lists.clone()]), &Rules::default());
        let read = |lists: &Lists| {
            let seen = later(&made.made_of[0], Phase::Failed, lists);
            made.lend(std::slice::from_ref(&seen));
            std::ptr::eq(seen.offered(), made.made_of[0].offered())
        };
        assert!(read(&lists));
        assert!(!read(&tools([json!({"name": "y"})])));
    }
}
