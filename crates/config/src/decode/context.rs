//! What is gathered while sections are read: problems and unset variables.

use std::ops::Range;
use std::path::Path;

use super::KeyPath;
use crate::diagnose::Problem;
use crate::expand::{Expansion, Lookup, MAX_ADDED, expand};
use crate::obsolete;
use crate::tree::{Node, Scalar, Span, Value};

/// A variable that a value needs and that has neither a value nor a default.
#[derive(Clone, Debug)]
pub(crate) struct Unset {
    pub(crate) path: KeyPath,
    pub(crate) variable: String,
    pub(crate) span: Span,
}

impl Unset {
    /// The variable as an error of the file.
    pub(crate) fn problem(&self) -> Problem {
        let Self { path, variable, span } = self;
        Problem::new(
            span.clone(),
            format!("the environment variable `{variable}` that `{path}` needs is not set"),
        )
        .help(format!("set {variable}, or give a default: `${{{variable}:-...}}`"))
    }
}

/// A scalar after expansion.
pub(crate) struct Resolved {
    pub(crate) text: String,
    /// Written without quotes, so that it may be a number or a boolean.
    pub(crate) plain: bool,
    /// Made from variables: it may be a number in quotes, and no message repeats it.
    pub(crate) expanded: bool,
    /// Where in the text something stands for a variable.
    pub(crate) places: Vec<Range<usize>>,
}

/// The state of one load.
pub(crate) struct Context<'e> {
    environment: &'e Lookup<'e>,
    /// The folder that relative paths in the file start from.
    pub(crate) folder: &'e Path,
    pub(crate) problems: Vec<Problem>,
    pub(crate) unset: Vec<Unset>,
    /// Unset variables that the server can live without, each with the warning that says what follows from it.
    pub(crate) tolerated: Vec<(Unset, Problem)>,
    /// How many bytes the patterns of filters have so far.
    pub(crate) patterns: usize,
    /// How many bytes the values of variables added so far.
    added: usize,
}

impl<'e> Context<'e> {
    pub(crate) fn new(environment: &'e Lookup<'e>, folder: &'e Path) -> Self {
        Self {
            environment,
            folder,
            problems: Vec::new(),
            unset: Vec::new(),
            tolerated: Vec::new(),
            patterns: 0,
            added: 0,
        }
    }

    pub(crate) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Notes an unset variable that the server can live without.
    pub(crate) fn tolerate(&mut self, unset: Unset, warning: Problem) {
        self.tolerated.push((unset, warning));
    }

    /// Runs `read` and hands back the variables that were found unset in it.
    pub(crate) fn unset_within<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> (T, Vec<Unset>) {
        let before = self.unset.len();
        let value = read(self);
        (value, self.unset.split_off(before))
    }

    /// The scalar with its variables replaced. `None` after a report, or when a variable is unset.
    pub(crate) fn resolve(&mut self, node: &Node, path: &KeyPath, expected: &str) -> Option<Resolved> {
        let Value::Scalar(scalar) = &node.value else {
            self.mismatch(node, path, expected);
            return None;
        };
        if obsolete::is_secret_reference(&scalar.text) {
            let message = match path.is_secret() {
                true => format!("`{path}` refers to a secret"),
                false => format!("`{path}` refers to the secret `{}`", scalar.text),
            };
            self.report(Problem::new(node.span.clone(), message).help(obsolete::SECRET_REFERENCE));
            return None;
        }
        let Expansion {
            text,
            expanded,
            unset,
            places,
            ..
        } = self.expand(scalar, &node.span, path)?;
        let complete = unset.is_empty();
        for variable in unset {
            self.unset.push(Unset {
                path: path.clone(),
                variable,
                span: node.span.clone(),
            });
        }
        complete.then_some(Resolved {
            text,
            plain: scalar.plain,
            expanded,
            places,
        })
    }

    /// Reports a node of the wrong type.
    pub(crate) fn mismatch(&mut self, node: &Node, path: &KeyPath, expected: &str) {
        let message = format!("`{path}` must be {expected}, not {}", node.kind());
        self.report(Problem::new(node.span.clone(), message).help(format!("write {expected} here")));
    }

    fn expand(&mut self, scalar: &Scalar, span: &Span, path: &KeyPath) -> Option<Expansion> {
        let before = self.added;
        match expand(&scalar.text, self.environment) {
            Ok(expansion) => {
                self.added = before.saturating_add(expansion.added);
                if self.added <= MAX_ADDED {
                    return Some(expansion);
                }
                // Once is enough.
                if before <= MAX_ADDED {
                    let message = "the values of variables add more than 4 MiB to the file";
                    let problem = Problem::new(span.clone(), message);
                    self.report(problem.help("name fewer variables, or ones with shorter values"));
                }
                None
            }
            Err(malformed) => {
                let malformed = match path.is_secret() {
                    true => malformed.without_text(),
                    false => malformed,
                };
                let problem = Problem::new(span.clone(), format!("`{path}` cannot be expanded: {malformed}"));
                self.report(problem.help("write `$${` where a literal `${` is meant"));
                None
            }
        }
    }
}
