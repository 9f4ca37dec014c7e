//! What is told of the catalogue: what came and went, by name, and the conditions of backends.

use std::collections::HashMap;
use std::sync::Arc;

use argus_protocol::shown;
use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{Events, News, Stage};
use crate::catalogue::{Change, Snapshot, What};
use crate::condition::Condition;

/// So many names are in one event.
const MOST_NAMES: usize = 50;
/// So many bytes of them.
const MOST_BYTES: usize = 5000;

/// Tells what leads from one snapshot to another, with one event for each backend that has a part in it.
pub(crate) fn tell_changes(events: &Events, old: &Arc<Snapshot>, new: &Arc<Snapshot>) {
    if Arc::ptr_eq(old, new) {
        return;
    }
    for news in capabilities(old.changes_to(new)) {
        events.publish(news);
    }
    for news in conditions(old, new) {
        events.publish(news);
    }
}

fn capabilities(changes: Vec<Change>) -> impl Iterator<Item = News> {
    let mut backends: IndexMap<Arc<str>, Vec<Change>> = IndexMap::new();
    for change in changes {
        backends.entry(Arc::clone(&change.backend)).or_default().push(change);
    }
    backends
        .into_iter()
        .map(|(backend, changes)| of_backend(&backend, &changes))
}

/// One event; names beyond the bounds are only counted.
fn of_backend(backend: &Arc<str>, changes: &[Change]) -> News {
    let count = |what| changes.iter().filter(|change| change.what == what).count();
    let (added, removed, changed) = (count(What::Added), count(What::Removed), count(What::Changed));
    let message =
        format!("Backend '{backend}' offers other things: {added} added, {removed} removed, {changed} changed");
    let mut lists: IndexMap<&str, IndexMap<&str, Vec<Value>>> = IndexMap::new();
    let (mut names, mut bytes) = (0, 0);
    for change in changes {
        let name = shown(&change.name);
        bytes += name.len();
        if names == MOST_NAMES || bytes > MOST_BYTES {
            break;
        }
        names += 1;
        let list = lists.entry(change.list).or_default();
        list.entry(word(change.what)).or_default().push(name.into());
    }
    let object = |list: IndexMap<&str, Vec<Value>>| {
        let named = list.into_iter().map(|(what, names)| (what.to_owned(), names.into()));
        Value::from(Map::from_iter(named))
    };
    let mut news = News::info(Stage::CapabilityChange, message).of(backend);
    for (list, changes) in lists {
        news = news.with(list, object(changes));
    }
    match changes.len() - names {
        0 => news,
        unnamed => news.with("unnamed", unnamed),
    }
}

fn word(what: What) -> &'static str {
    match what {
        What::Added => "added",
        What::Removed => "removed",
        What::Changed => "changed",
    }
}

/// What there is to say of backends now and was not before, and what no longer.
fn conditions(old: &Snapshot, new: &Snapshot) -> Vec<News> {
    let before: HashMap<&Arc<str>, &[Condition]> = old.conditions().collect();
    let mut told = Vec::new();
    for (backend, now) in new.conditions() {
        let was = before.get(backend).copied().unwrap_or_default();
        let over = |old: &&Condition| now.iter().all(|one| one.kind.over() != old.kind.over());
        for old in was.iter().filter(over) {
            let message = format!("Backend '{backend}': {}", old.kind.over());
            let news = News::info(Stage::BackendCondition, message).with("status", false);
            told.push(condition(news, backend, old));
        }
        for one in now.iter().filter(|one| !was.contains(one)) {
            let message = format!("Backend '{backend}': {}", one.message);
            let news = News::warning(Stage::BackendCondition, message).with("status", true);
            told.push(condition(news, backend, one));
        }
    }
    told
}

fn condition(news: News, backend: &Arc<str>, condition: &Condition) -> News {
    let others: Vec<Value> = condition.backends.iter().map(|other| Value::from(&**other)).collect();
    news.of(backend)
        .with("condition", condition.kind.as_str())
        .with("backends", others)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(backend: &str, list: &'static str, what: What, name: &str) -> Change {
        Change {
            backend: backend.into(),
            list,
            what,
            name: name.into(),
        }
    }

    #[test]
    fn one_event_for_each_backend() {
        let told: Vec<News> = capabilities(vec![
            change("a", "tools", What::Removed, "x"),
            change("b", "tools", What::Added, "x"),
            change("a", "prompts", What::Changed, "p"),
        ])
        .collect();
        let details: Vec<_> = told.iter().map(|news| Value::from(news.details.clone())).collect();
        assert_eq!(
            details,
            [
                json!({"tools": {"removed": ["x"]}, "prompts": {"changed": ["p"]}}),
                json!({"tools": {"added": ["x"]}})
            ]
        );
        let message = "Backend 'a' offers other things: 0 added, 1 removed, 1 changed";
        assert_eq!((&*told[0].message, told[0].backend.as_deref()), (message, Some("a")));
    }

    #[test]
    fn names_are_bounded_and_the_rest_is_counted() {
        let named = |name: String| change("a", "tools", What::Added, &name);
        let many: Vec<_> = (0..60).map(|number| named(format!("t{number}"))).collect();
        let long: Vec<_> = (0..60).map(|number| named(format!("é{number}").repeat(500))).collect();
        let told: Vec<News> = [many, long].into_iter().flat_map(capabilities).collect();
        let names = |news: &News| news.details["tools"]["added"].as_array().unwrap().len();
        assert_eq!((names(&told[0]), &told[0].details["unnamed"]), (50, &10.into()));
        assert!((20..50).contains(&names(&told[1])), "{}", names(&told[1]));
        assert!(told.iter().all(|news| news.clone().bounded().0 == *news));
    }
}
