//! `${VAR}` and `${VAR:-default}` in texts.
//!
//! Expansion works on one value after the YAML is read, so a variable's value is never read as YAML and never
//! expanded again. `$${` stands for a literal `${`.

use std::ops::Range;

/// Looks a variable of the environment up.
pub type Lookup<'e> = dyn Fn(&str) -> Option<String> + 'e;

/// The deepest nesting of `${A:-${B:-...}}`.
const MAX_DEPTH: usize = 20;

/// The most bytes that the values of variables may add, in one text or in all of a configuration.
pub(crate) const MAX_ADDED: usize = 4 << 20;

/// A text after expansion.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Expansion {
    /// The text; a variable that is not set leaves nothing.
    pub(crate) text: String,
    /// Whether a variable was looked up at all.
    pub(crate) expanded: bool,
    /// The variables that have neither a value nor a default, in order.
    pub(crate) unset: Vec<String>,
    /// How many bytes the values of variables added.
    pub(crate) added: usize,
    /// Where in the text the value of a variable stands. A default is not one: it stands in the file.
    pub(crate) places: Vec<Range<usize>>,
}

/// Why a text cannot be expanded.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("`${{` has no closing `}}`")]
    Unclosed,
    #[error("`${{{0}}}` is not a variable: expected `${{NAME}}` or `${{NAME:-default}}`")]
    NotAName(String),
    #[error("the defaults of `${{...}}` are nested too deeply")]
    TooDeep,
    #[error("the values of its variables have more than 4 MiB")]
    TooLong,
}

impl Malformed {
    /// The same without anything of the text.
    pub(crate) fn without_text(self) -> Self {
        match self {
            Self::NotAName(_) => Self::NotAName("...".to_owned()),
            other => other,
        }
    }
}

/// Why a text outside the configuration cannot be expanded.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExpandError {
    /// It is not written as it must be.
    #[error("{0}")]
    Malformed(String),
    /// A variable has neither a value nor a default.
    #[error("the variable {0} is not set; set it, or write `${{{0}:-default}}`")]
    Unset(String),
}

/// A text with every `${VAR}` and `${VAR:-default}` replaced, as in the configuration.
///
/// # Errors
/// A variable has neither a value nor a default, or something is no variable.
pub fn expanded(text: &str, environment: &Lookup<'_>) -> Result<String, ExpandError> {
    let expansion = expand(text, environment).map_err(|error| ExpandError::Malformed(error.to_string()))?;
    match expansion.unset.into_iter().next() {
        None => Ok(expansion.text),
        Some(name) => Err(ExpandError::Unset(name)),
    }
}

/// Replaces every variable of a text.
pub(crate) fn expand(text: &str, environment: &Lookup<'_>) -> Result<Expansion, Malformed> {
    let mut expansion = Expansion::default();
    append(text, environment, &mut expansion, 0)?;
    Ok(expansion)
}

fn append(text: &str, environment: &Lookup<'_>, out: &mut Expansion, depth: usize) -> Result<(), Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed::TooDeep);
    }
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.text.push_str(&rest[..at - 1]);
            out.text.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.text.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let end = closing(inside).ok_or(Malformed::Unclosed)?;
        variable(&inside[..end], environment, out, depth)?;
        rest = &inside[end + 1..];
    }
    out.text.push_str(rest);
    Ok(())
}

/// Appends what `${inside}` stands for. As in a shell, `:-` also replaces an empty value.
fn variable(inside: &str, environment: &Lookup<'_>, out: &mut Expansion, depth: usize) -> Result<(), Malformed> {
    out.expanded = true;
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if !is_name(name) {
        return Err(Malformed::NotAName(inside.to_owned()));
    }
    match (environment(name), default) {
        (Some(value), None) => out.add(&value)?,
        (Some(value), Some(_)) if !value.is_empty() => out.add(&value)?,
        (_, Some(default)) => append(default, environment, out, depth + 1)?,
        (None, None) => out.unset.push(name.to_owned()),
    }
    Ok(())
}

impl Expansion {
    /// Appends the value of a variable.
    fn add(&mut self, value: &str) -> Result<(), Malformed> {
        self.added = self.added.saturating_add(value.len());
        if self.added > MAX_ADDED {
            return Err(Malformed::TooLong);
        }
        let begin = self.text.len();
        self.text.push_str(value);
        self.places.push(begin..self.text.len());
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Where the `}` stands that closes a `${`, whose inside the text begins with.
fn closing(inside: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut from = 0;
    while let Some(found) = inside[from..].find(['$', '}']) {
        let at = from + found;
        if inside[at..].starts_with("${") {
            open += 1;
        } else if inside[at..].starts_with('}') {
            if open == 0 {
                return Some(at);
            }
            open -= 1;
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        match name {
            "A" => Some("one".to_owned()),
            "EMPTY" => Some(String::new()),
            "TRICKY" => Some("${A}: [x".to_owned()),
            _ => None,
        }
    }

    fn text(source: &str) -> String {
        let expansion = expand(source, &environment).unwrap();
        assert_eq!(expansion.unset, Vec::<String>::new(), "{source}");
        expansion.text
    }

    #[test]
    fn replaces_variables_and_defaults() {
        assert_eq!(text("x${A}y${A}"), "xoneyone");
        assert_eq!(text("${NONE:-two}"), "two");
        assert_eq!(text("${EMPTY:-two}"), "two");
        assert_eq!(text("${A:-two}"), "one");
        assert_eq!(text("[${EMPTY}]"), "[]");
        assert_eq!(text("${NONE:-}"), "");
        assert_eq!(text("${NONE:-${ALSO_NONE:-${A}}!}"), "one!");
        assert_eq!(text("ü${A}ü"), "üoneü");
    }

    #[test]
    fn leaves_other_dollars_alone() {
        assert_eq!(text("a $ b $A $(c) }"), "a $ b $A $(c) }");
        assert_eq!(text("$${A} ${A}"), "${A} one");
    }

    #[test]
    fn never_expands_a_value_again() {
        assert_eq!(text("${TRICKY}"), "${A}: [x");
    }

    #[test]
    fn names_every_unset_variable() {
        let expansion = expand("${X}${A}${Y:-${Z}}", &environment).unwrap();
        assert_eq!(expansion.unset, ["X", "Z"]);
    }

    #[test]
    fn values_of_variables_add_no_more_than_there_is_room_for() {
        let large = |_: &str| Some("x".repeat(1 << 20));
        assert_eq!(expand(&"${A}".repeat(4), &large).unwrap().added, MAX_ADDED);
        assert_eq!(expand(&"${A}".repeat(5), &large), Err(Malformed::TooLong));
    }

    #[test]
    fn refuses_what_is_no_variable() {
        assert_eq!(expand("${A", &environment), Err(Malformed::Unclosed));
        assert_eq!(
            expand("${A%b}", &environment),
            Err(Malformed::NotAName("A%b".to_owned()))
        );
        assert_eq!(expand("${}", &environment), Err(Malformed::NotAName(String::new())));
        let deep = format!("{}x{}", "${N:-".repeat(30), "}".repeat(30));
        assert_eq!(expand(&deep, &environment), Err(Malformed::TooDeep));
    }
}
