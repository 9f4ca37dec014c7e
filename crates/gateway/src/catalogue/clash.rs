//! Names that a backend did not get, told as a condition of the backend.

use std::sync::Arc;

use argus_protocol::{ByteString, shown};

use super::items::Kind;
use crate::condition::{Condition, ConditionKind};

/// Names of one kind that a message lists; of more it tells the number.
const LISTED: usize = 10;

/// A name or a URI that a backend wants and another one has.
#[derive(Debug)]
pub(super) struct Clash<'a> {
    pub(super) kind: Kind,
    pub(super) name: ByteString,
    pub(super) holder: &'a str,
}

/// What to say of a backend that did not get these; `None` where there are none.
pub(super) fn condition(kind: ConditionKind, clashes: &[Clash<'_>]) -> Option<Condition> {
    if clashes.is_empty() {
        return None;
    }
    let groups = grouped(clashes);
    let parts: Vec<String> = groups.iter().map(Group::text).collect();
    let what = parts.join("; ");
    let message = if kind == ConditionKind::NameCollision {
        format!(
            "left out, because other backends have the same names: {what}; give tools other names with \
             `tool_overrides`, hide some with `filters`, or choose another `conflict_resolution.strategy`"
        )
    } else {
        format!("hidden, because other backends have the same: {what}")
    };
    let mut backends: Vec<Arc<str>> = Vec::new();
    for group in &groups {
        if !backends.iter().any(|known| **known == *group.holder) {
            backends.push(group.holder.into());
        }
    }
    Some(Condition {
        kind,
        message,
        backends,
    })
}

/// What one other backend has of one kind.
struct Group<'c> {
    kind: Kind,
    holder: &'c str,
    names: Vec<&'c str>,
}

fn grouped<'c>(clashes: &'c [Clash<'c>]) -> Vec<Group<'c>> {
    let mut groups: Vec<Group<'c>> = Vec::new();
    for clash in clashes {
        let same = |group: &&mut Group<'_>| group.kind == clash.kind && group.holder == clash.holder;
        match groups.iter_mut().find(same) {
            Some(group) => group.names.push(&clash.name),
            None => groups.push(Group {
                kind: clash.kind,
                holder: clash.holder,
                names: vec![&clash.name],
            }),
        }
    }
    groups
}

impl Group<'_> {
    fn text(&self) -> String {
        let listed: Vec<String> = self.names.iter().take(LISTED).map(|name| quoted(name)).collect();
        let more = match self.names.len().saturating_sub(LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let plural = if self.names.len() == 1 { "" } else { "s" };
        let (kind, holder) = (self.kind.word(), self.holder);
        format!("{kind}{plural} {}{more} (of `{holder}`)", listed.join(", "))
    }
}

/// A backend decides about its names: in a line of the log they are cut, and control characters are spelled out.
fn quoted(name: &str) -> String {
    format!("`{}`", shown(name).escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clash(kind: Kind, name: &str, holder: &'static str) -> Clash<'static> {
        Clash {
            kind,
            name: name.into(),
            holder,
        }
    }

    #[test]
    fn names_are_grouped_by_kind_and_backend() {
        let clashes = [
            clash(Kind::Tool, "x", "one"),
            clash(Kind::Tool, "z", "two"),
            clash(Kind::Tool, "y", "one"),
            clash(Kind::Template, "x://{a}\n", "one"),
        ];
        let made = condition(ConditionKind::NamesHidden, &clashes).unwrap();
        assert_eq!(
            made.message,
            "hidden, because other backends have the same: tools `x`, `y` (of `one`); tool `z` (of `two`); \
             resource template `x://{a}\\n` (of `one`)"
        );
        assert_eq!(made.backends, ["one".into(), "two".into()]);
        assert_eq!(condition(ConditionKind::NamesHidden, &[]), None);
    }

    #[test]
    fn a_message_does_not_grow_with_the_names() {
        let clashes: Vec<_> = (0..1000).map(|n| clash(Kind::Prompt, &n.to_string(), "one")).collect();
        let made = condition(ConditionKind::NameCollision, &clashes).unwrap();
        assert!(made.message.contains("`9` and 990 more (of `one`)"), "{}", made.message);
        assert!(made.message.contains("tool_overrides"), "{}", made.message);
    }
}
