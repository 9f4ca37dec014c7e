//! Who gets which name: one name space.

use std::collections::HashMap;

use argus_config::{ConflictResolution, Strategy};
use argus_protocol::ByteString;

use super::items::Kind;
use super::shorten::shorten;

/// The names (or URIs) of one kind of capability. Whoever asks first gets a name; no name is given twice.
#[derive(Debug)]
pub(super) struct Names<'a> {
    kind: Kind,
    rule: &'a ConflictResolution,
    taken: HashMap<ByteString, &'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn new(kind: Kind, rule: &'a ConflictResolution) -> Self {
        Self {
            kind,
            rule,
            taken: HashMap::new(),
        }
    }

    /// The other backend that has what this one wants.
    pub(super) fn holder(&self, backend: &str, wanted: &ByteString) -> Option<&'a str> {
        let holder = self.taken.get(&self.bare(wanted)).copied();
        holder.filter(|holder| *holder != backend)
    }

    /// Gives a backend's capability the name that it wants, or another one.
    ///
    /// # Errors
    /// When it is to be hidden: the backend that has what it wants.
    pub(super) fn give(&mut self, backend: &'a str, wanted: &ByteString) -> Result<ByteString, &'a str> {
        let prefixed = || -> ByteString { format!("{backend}{}{wanted}", self.rule.separator).into() };
        let bare = self.bare(wanted);
        let name = match (&self.rule.strategy, self.taken.get(&bare)) {
            (Strategy::Prefix, _) if !self.kind.is_uri() => self.free(prefixed()),
            (_, None) => bare,
            (strategy, Some(holder)) if *holder != backend && self.hides(strategy) => return Err(holder),
            (_, Some(_)) => self.free(prefixed()),
        };
        self.taken.insert(name.clone(), backend);
        Ok(name)
    }

    /// Whether of two equal names one is hidden. A URI cannot get another name: a backend knows it by that one only.
    fn hides(&self, strategy: &Strategy) -> bool {
        self.kind.is_uri() || *strategy == Strategy::FirstWins
    }

    /// A name without its backend's in front.
    fn bare(&self, wanted: &ByteString) -> ByteString {
        if self.kind.is_uri() {
            wanted.clone()
        } else {
            shorten(wanted.clone())
        }
    }

    /// `name`, or the first of `name_2`, `name_3`, ... that is not taken.
    fn free(&self, name: ByteString) -> ByteString {
        let numbered = (2u64..).map(|number| format!("{name}{}{number}", self.rule.separator).into());
        std::iter::once(name.clone())
            .chain(numbered)
            .map(shorten)
            .find(|candidate| !self.taken.contains_key(candidate))
            .unwrap_or(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(strategy: Strategy, separator: &str) -> ConflictResolution {
        ConflictResolution {
            strategy,
            separator: separator.to_owned(),
        }
    }

    /// The names in the order of the wishes; where one is hidden, who has it.
    fn exposed(strategy: Strategy, separator: &str, wanted: &[(&str, &str)]) -> Vec<String> {
        let rule = rule(strategy, separator);
        let mut names = Names::new(Kind::Tool, &rule);
        wanted
            .iter()
            .map(|(backend, name)| match names.give(backend, &(*name).into()) {
                Ok(name) => name.to_string(),
                Err(holder) => format!("<{holder}>"),
            })
            .collect()
    }

    #[test]
    fn auto_keeps_names_bare_until_they_collide() {
        let wanted = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "z")];
        assert_eq!(exposed(Strategy::Auto, "_", &wanted), ["x", "y", "b_x", "z"]);
        assert_eq!(exposed(Strategy::Auto, ".", &wanted), ["x", "y", "b.x", "z"]);
    }

    #[test]
    fn prefix_names_the_backend_everywhere() {
        assert_eq!(
            exposed(Strategy::Prefix, "__", &[("a", "x"), ("b", "x")]),
            ["a__x", "b__x"]
        );
    }

    #[test]
    fn a_prefixed_name_that_is_taken_is_numbered() {
        assert_eq!(
            exposed(Strategy::Auto, "_", &[("a", "x"), ("a", "b_x"), ("b", "x")]),
            ["x", "b_x", "b_x_2"]
        );
    }

    #[test]
    fn first_wins_hides_what_another_backend_has() {
        let wanted = [("a", "x"), ("b", "x"), ("b", "y"), ("c", "y")];
        assert_eq!(exposed(Strategy::FirstWins, "_", &wanted), ["x", "<a>", "y", "<b>"]);
    }

    #[test]
    fn a_backend_does_not_lose_to_itself() {
        for strategy in [Strategy::FirstWins, Strategy::Error, Strategy::Auto] {
            assert_eq!(exposed(strategy, "_", &[("a", "x"), ("a", "x")]), ["x", "a_x"]);
        }
    }

    #[test]
    fn long_names_collide_as_they_are_exposed() {
        let long = "x".repeat(80);
        let short = shorten(long.as_str().into());
        let wanted = [("a", long.as_str()), ("b", &short), ("b", &long)];
        let names = exposed(Strategy::Auto, "_", &wanted);
        assert_eq!(
            names[..2],
            [short.to_string(), shorten(format!("b_{short}").into()).to_string()]
        );
        assert_eq!(names[2], *shorten(format!("b_{long}").into()));
        let hidden = exposed(Strategy::FirstWins, "_", &wanted);
        assert_eq!(hidden[1..], ["<a>", "<a>"]);
    }

    #[test]
    fn uris_are_taken_as_they_are() {
        for strategy in [Strategy::Auto, Strategy::Prefix, Strategy::FirstWins, Strategy::Error] {
            let rule = rule(strategy, "_");
            let mut names = Names::new(Kind::Resource, &rule);
            let uri = ByteString::from(format!("x://{}", "y".repeat(100)));
            assert_eq!(names.give("a", &uri), Ok(uri.clone()));
            assert_eq!(names.give("b", &uri), Err("a"));
            assert_eq!(names.holder("b", &uri), Some("a"));
            assert_eq!(names.holder("a", &uri), None);
        }
    }
}
