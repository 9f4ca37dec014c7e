//! What is gathered while sections are read: problems and unset variables.

use std::path::Path;

use super::KeyPath;
use crate::diagnose::Problem;
use crate::expand::{Expansion, Lookup, expand};
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
}

impl<'e> Context<'e> {
    pub(crate) fn new(environment: &'e Lookup<'e>, folder: &'e Path) -> Self {
        Self {
            environment,
            folder,
            problems: Vec::new(),
            unset: Vec::new(),
            tolerated: Vec::new(),
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
            let problem = Problem::new(
                node.span.clone(),
                format!("`{path}` refers to the secret `{}`", scalar.text),
            );
            self.report(problem.help(obsolete::SECRET_REFERENCE));
            return None;
        }
        let Expansion { text, expanded, unset } = self.expand(scalar, &node.span, path)?;
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
        })
    }

    /// Reports a node of the wrong type.
    pub(crate) fn mismatch(&mut self, node: &Node, path: &KeyPath, expected: &str) {
        let message = format!("`{path}` must be {expected}, not {}", node.describe());
        self.report(Problem::new(node.span.clone(), message).help(format!("write {expected} here")));
    }

    fn expand(&mut self, scalar: &Scalar, span: &Span, path: &KeyPath) -> Option<Expansion> {
        match expand(&scalar.text, self.environment) {
            Ok(expansion) => Some(expansion),
            Err(malformed) => {
                let problem = Problem::new(span.clone(), format!("`{path}` cannot be expanded: {malformed}"));
                self.report(problem.help("write `$${` where a literal `${` is meant"));
                None
            }
        }
    }
}
