//! Reading single values: text, flag, number, seconds, choice.

use std::time::Duration;

use super::context::Resolved;
use super::field::one_of;
use super::{Context, KeyPath, Kind, Rule, SecondsOr};
use crate::diagnose::Problem;
use crate::obsolete;
use crate::suggest::{hint, list};
use crate::tree::{Node, Span};

/// A text that keeps its rule. `None` after a report, or when a variable is unset.
pub(crate) fn text(node: &Node, path: &KeyPath, rule: &Rule, cx: &mut Context<'_>) -> Option<String> {
    resolved(node, path, rule, cx).map(|resolved| resolved.text)
}

/// The same, with what is known of its variables.
pub(crate) fn resolved(node: &Node, path: &KeyPath, rule: &Rule, cx: &mut Context<'_>) -> Option<Resolved> {
    if node.is_null() {
        let help = "write `\"\"` for an empty text, or remove the key";
        cx.report(Problem::new(node.span.clone(), format!("`{path}` has no value")).help(help));
        return None;
    }
    let resolved = cx.resolve(node, path, rule.noun)?;
    match (rule.check)(&resolved.text) {
        Ok(()) => Some(resolved),
        Err(objection) => {
            let problem = Problem::new(node.span.clone(), format!("`{path}` {objection}"));
            cx.report(problem.help(format!("write {}", rule.noun)));
            None
        }
    }
}

/// `true` or `false`.
pub(crate) fn flag(node: &Node, path: &KeyPath, kind: &Kind, cx: &mut Context<'_>) -> Option<bool> {
    parsed(node, path, kind, cx, |text| match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    })
}

/// A whole number in a range.
pub(crate) fn whole(node: &Node, path: &KeyPath, kind: &Kind, cx: &mut Context<'_>) -> Option<u64> {
    let Kind::Whole { min, max } = *kind else { return None };
    parsed(node, path, kind, cx, |text| {
        text.parse().ok().filter(|number| (min..=max).contains(number))
    })
}

/// A number of seconds in a range.
pub(crate) fn seconds(node: &Node, path: &KeyPath, kind: &Kind, cx: &mut Context<'_>) -> Option<f64> {
    let Kind::Seconds { min, max } = *kind else { return None };
    parsed(node, path, kind, cx, |text| {
        text.parse().ok().filter(|number| (min..=max).contains(number))
    })
}

/// A number of seconds in a range, or one of a few words.
pub(crate) fn seconds_or(node: &Node, path: &KeyPath, kind: &Kind, cx: &mut Context<'_>) -> Option<SecondsOr> {
    let Kind::SecondsOr { min, max, words } = *kind else {
        return None;
    };
    let resolved = cx.resolve(node, path, &kind.expected())?;
    if let Some(word) = words.iter().copied().find(|word| *word == resolved.text) {
        return Some(SecondsOr::Word(word));
    }
    parsed(node, path, kind, cx, |text| {
        let number = text.parse().ok().filter(|number| (min..=max).contains(number))?;
        Duration::try_from_secs_f64(number).ok().map(SecondsOr::Seconds)
    })
}

/// One of a few words.
pub(crate) fn choice(
    node: &Node,
    path: &KeyPath,
    words: &[&'static str],
    cx: &mut Context<'_>,
) -> Option<&'static str> {
    let resolved = cx.resolve(node, path, &one_of(words))?;
    let known = words.iter().copied().find(|word| *word == resolved.text);
    if known.is_none() {
        cx.report(unknown_word(&node.span, path, words, &resolved));
    }
    known
}

fn unknown_word(span: &Span, path: &KeyPath, words: &[&'static str], resolved: &Resolved) -> Problem {
    let text = resolved.text.as_str();
    if let Some(sentence) = obsolete::refused_value(path, text) {
        return Problem::new(span.clone(), format!("`{path}: {text}` is not available")).help(sentence);
    }
    if resolved.expanded {
        return Problem::new(span.clone(), format!("`{path}` does not expand to a known value"))
            .help(format!("known here: {}", list(words.iter().copied())));
    }
    let help = match obsolete::synonym(path, text) {
        Some(name) => known_as(path, name),
        None => hint(text, words.iter().copied()),
    };
    let message = match path.is_secret() {
        true => format!("`{path}` does not know its value"),
        false => format!("`{path}` does not know the value `{text}`"),
    };
    Problem::new(span.clone(), message).help(help)
}

fn known_as(path: &KeyPath, name: &str) -> String {
    match obsolete::refused_value(path, name) {
        Some(sentence) => format!("the name here is `{name}`, but {sentence}"),
        None => format!("the name here is `{name}`"),
    }
}

/// A value that YAML reads as something other than text.
fn parsed<T>(
    node: &Node,
    path: &KeyPath,
    kind: &Kind,
    cx: &mut Context<'_>,
    read: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let resolved = cx.resolve(node, path, &kind.expected())?;
    let value = read(resolved.text.trim());
    if value.is_some() && (resolved.plain || resolved.expanded) {
        return value;
    }
    let span = node.span.clone();
    if resolved.expanded {
        let message = format!(
            "`{path}` must be {}, but its variables give something else",
            kind.expected()
        );
        cx.report(Problem::new(span, message).help("check the values of the variables"));
        return None;
    }
    let help = remedy(&resolved, value.is_some()).unwrap_or_else(|| format!("write {}", kind.expected()));
    let found = match path.is_secret() {
        true => node.kind().to_owned(),
        false => node.describe(),
    };
    let message = format!("`{path}` must be {}, not {found}", kind.expected());
    cx.report(Problem::new(span, message).help(help));
    None
}

fn remedy(resolved: &Resolved, readable: bool) -> Option<String> {
    if readable {
        return Some(format!("write {} without quotes", resolved.text));
    }
    match resolved.text.to_lowercase().as_str() {
        "yes" | "on" => Some("write `true`".to_owned()),
        "no" | "off" => Some("write `false`".to_owned()),
        _ => None,
    }
}
