//! Under which name a capability is exposed.

use std::collections::HashSet;

use argus_config::{ConflictResolution, Strategy};
use argus_protocol::ByteString;

/// Gives out names, in the order of the configuration; no name twice.
#[derive(Debug)]
pub(super) struct Names<'a> {
    rule: &'a ConflictResolution,
    taken: HashSet<ByteString>,
}

impl<'a> Names<'a> {
    pub(super) fn new(rule: &'a ConflictResolution) -> Self {
        Self {
            rule,
            taken: HashSet::new(),
        }
    }

    /// The name for a backend's capability.
    pub(super) fn expose(&mut self, backend: &str, wanted: &ByteString) -> ByteString {
        let prefixed = || -> ByteString { format!("{backend}{}{wanted}", self.rule.separator).into() };
        let name = match self.rule.strategy {
            Strategy::Prefix => prefixed(),
            Strategy::Auto if self.taken.contains(wanted) => prefixed(),
            Strategy::Auto => wanted.clone(),
        };
        let name = self.free(name);
        self.taken.insert(name.clone());
        name
    }

    /// `name`, or the first of `name_2`, `name_3`, ... that is not taken.
    fn free(&self, name: ByteString) -> ByteString {
        if !self.taken.contains(&name) {
            return name;
        }
        let numbered = (2u64..).map(|number| ByteString::from(format!("{name}{}{number}", self.rule.separator)));
        numbered
            .into_iter()
            .find(|candidate| !self.taken.contains(candidate))
            .unwrap_or(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposed(strategy: Strategy, separator: &str, wanted: &[(&str, &str)]) -> Vec<String> {
        let rule = ConflictResolution {
            strategy,
            separator: separator.to_owned(),
        };
        let mut names = Names::new(&rule);
        wanted
            .iter()
            .map(|(backend, name)| names.expose(backend, &(*name).into()).to_string())
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
}
