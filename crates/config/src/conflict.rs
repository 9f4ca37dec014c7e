//! `conflict_resolution`: what happens when two backends use one name.

use crate::decode::{Context, Field, Fields, Kind, Preset, Section, defaults, rules};
use crate::diagnose::Problem;
use crate::suggest::list;

/// What happens when two backends use one name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConflictResolution {
    /// Who keeps a name, and what becomes of the others.
    pub strategy: Strategy,
    /// What stands between the backend's name and the capability's name.
    pub separator: String,
}

/// Who keeps a name that several backends use, and what becomes of the others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Strategy {
    /// The first backend of the configuration keeps it; the others get their backend's name in front.
    #[default]
    Auto,
    /// Nobody: every name gets its backend's name in front.
    Prefix,
    /// The first backend of the configuration keeps it; those of the others are hidden.
    FirstWins,
    /// The first of these backends keeps it; the others get their backend's name in front. Backends that are not named
    /// here follow in the order of the configuration.
    Priority(Vec<String>),
    /// The first backend of the configuration keeps it; the others are left out whole.
    Error,
}

const STRATEGY: Field = Field::new(
    "strategy",
    Kind::Choice(&["auto", "prefix", "first-wins", "priority", "error"]),
    "What becomes of two equal names. `auto`: the later backend's gets its backend's name in front; `prefix`: every name \
     does; `first-wins`: the later one is hidden; `priority`: `order` says which backend comes first, the other's name \
     gets its backend's name in front; `error`: the later backend is left out.",
)
.preset(Preset::Text("auto"));
const SEPARATOR: Field = Field::new(
    "separator",
    Kind::Text(&rules::SEPARATOR),
    "What stands between the backend's name and the capability's name.",
)
.preset(Preset::Text("_"));
const ORDER: Field = Field::new(
    "order",
    Kind::Texts(&rules::NAME),
    "With `strategy: priority`, the backends whose names come first, best first; the others follow as in the file.",
);

pub(crate) const FIELDS: Fields = &[&[STRATEGY, SEPARATOR, ORDER]];

impl ConflictResolution {
    /// Reads the section; `backends` are the names that `order` may hold.
    pub(crate) fn read(section: &Section<'_>, backends: &[&str], cx: &mut Context<'_>) -> Self {
        Self {
            strategy: Strategy::read(section, backends, cx),
            separator: section.text(&SEPARATOR, cx),
        }
    }
}

impl Default for ConflictResolution {
    fn default() -> Self {
        defaults(|section, cx| Self::read(section, &[], cx))
    }
}

impl Strategy {
    fn read(section: &Section<'_>, backends: &[&str], cx: &mut Context<'_>) -> Self {
        let found = (cx.problems.len(), cx.unset.len());
        let clean = |cx: &Context<'_>| (cx.problems.len(), cx.unset.len()) == found;
        let word = section.choice(&STRATEGY, cx).unwrap_or("auto");
        if word != "priority" && clean(cx) {
            refuse_order(section, word, cx);
        }
        let order = read_order(section, backends, cx);
        match word {
            "prefix" => Self::Prefix,
            "first-wins" => Self::FirstWins,
            "priority" => {
                if order.is_empty() && clean(cx) {
                    ask_for_order(section, cx);
                }
                Self::Priority(order)
            }
            "error" => Self::Error,
            _ => Self::Auto,
        }
    }
}

/// Reports an `order` that another strategy does not use.
fn refuse_order(section: &Section<'_>, strategy: &str, cx: &mut Context<'_>) {
    if let Some(place) = section.place_of(&ORDER) {
        let problem = Problem::new(place, format!("`order` means nothing with `strategy: {strategy}`"));
        cx.report(problem.help("remove it, or write `strategy: priority`"));
    }
}

/// Reports that `order` is missing or empty.
fn ask_for_order(section: &Section<'_>, cx: &mut Context<'_>) {
    let places = [&ORDER, &STRATEGY].map(|field| section.place_of(field));
    let place = places.into_iter().flatten().next();
    let problem = Problem::new(
        place.unwrap_or_else(|| section.span.clone()),
        "`strategy: priority` needs an `order`",
    );
    cx.report(problem.help("add `order: [...]`, the backends whose names come first, best first"));
}

/// Reads the names; one that is no backend and one that is there twice are reported.
fn read_order(section: &Section<'_>, backends: &[&str], cx: &mut Context<'_>) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    for (name, place) in section.texts(&ORDER, cx) {
        if !backends.contains(&name.as_str()) {
            let help = match backends {
                [] => "no backend is configured".to_owned(),
                // The nearest one would tell something of a name that came from a variable.
                known => format!("known here: {}", list(known.iter().copied().take(50))),
            };
            cx.report(Problem::new(place, "`conflict_resolution.order` names an unknown backend").help(help));
        } else if order.contains(&name) {
            let message = format!("`conflict_resolution.order` names {} twice", list([name.as_str()]));
            cx.report(Problem::new(place, message).help("name each backend once; the first place counts"));
        } else {
            order.push(name);
        }
    }
    order
}
