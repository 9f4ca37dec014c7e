//! Does a URI come from a URI template? (RFC 6570, read backwards.)

/// A URI template, cut into literals and expressions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// `{a}`: anything but a slash.
    Segment,
    /// `{+a}`, `{#a}`, `{/a}`, `{a*}`, `{?a}`, `{&a}`, `{;a}`, `{.a}`: anything at all, nothing included.
    Anything,
}

impl Template {
    /// Reads a template; text after an unclosed brace is taken literally.
    pub(crate) fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let Some(close) = rest[open..].find('}').map(|at| open + at) else {
                break;
            };
            if open > 0 {
                parts.push(Part::Literal(rest[..open].to_owned()));
            }
            parts.push(expression(&rest[open + 1..close]));
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Self { parts }
    }

    /// Whether the template can make this URI.
    pub(crate) fn matches(&self, uri: &str) -> bool {
        // Positions in the URI that the parts so far can reach; keeps hostile input from backtracking without end.
        let mut reached = vec![false; uri.len() + 1];
        reached[0] = true;
        for part in &self.parts {
            reached = step(part, uri, &reached);
        }
        reached[uri.len()]
    }
}

fn expression(inner: &str) -> Part {
    let operator = inner.starts_with(['+', '#', '/', '?', '&', ';', '.']);
    if operator || inner.contains('*') {
        Part::Anything
    } else {
        Part::Segment
    }
}

fn step(part: &Part, uri: &str, reached: &[bool]) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    let starts = reached.iter().enumerate().filter(|(_, is)| **is).map(|(at, _)| at);
    match part {
        Part::Literal(text) => {
            for at in starts {
                if uri.as_bytes()[at..].starts_with(text.as_bytes()) {
                    next[at + text.len()] = true;
                }
            }
        }
        Part::Anything => {
            if let Some(first) = reached.iter().position(|is| *is) {
                next[first..].fill(true);
            }
        }
        Part::Segment => {
            let mut inside = false;
            for at in 0..reached.len() {
                next[at] = inside;
                inside |= reached[at];
                inside &= uri.as_bytes().get(at) != Some(&b'/');
            }
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(template: &str, uri: &str) -> bool {
        Template::parse(template).matches(uri)
    }

    #[test]
    fn expressions() {
        assert!(matches("test://template/{id}/data", "test://template/123/data"));
        assert!(!matches("test://template/{id}/data", "test://template/1/2/data"));
        assert!(!matches("test://template/{id}/data", "test://template//data"));
        assert!(matches("file:///{+path}", "file:///a/b/c.txt"));
        assert!(matches("file:///{path*}", "file:///a/b"));
        assert!(matches("x://s{?q,limit}", "x://s?q=1"));
        assert!(matches("x://s{?q,limit}", "x://s"));
        assert!(matches("x://{a}-{b}", "x://1-2-3"));
        assert!(matches("x://plain", "x://plain"));
        assert!(!matches("x://plain", "x://plain2"));
        assert!(matches("x://{open", "x://{open"));
        assert!(matches("x://{a}", "x://\u{e9}"));
    }

    proptest! {
        #[test]
        fn an_expanded_template_matches(values in proptest::collection::vec("[a-z0-9%]{1,8}", 2)) {
            let uri = format!("x://h/{}/y/{}", values[0], values[1]);
            let matched = matches("x://h/{a}/y/{b}", &uri);
            prop_assert!(matched);
        }

        #[test]
        fn never_panics(template in "[{}a/+*?é]{0,20}", uri in "[{}a/+*?é]{0,20}") {
            let _ = matches(&template, &uri);
        }
    }
}
