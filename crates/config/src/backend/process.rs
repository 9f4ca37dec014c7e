//! A process of this machine: all of `type: stdio`, and what `type: sse` may start first.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use indexmap::IndexMap;
use secrecy::SecretString;

use crate::decode::{Context, Field, Kind, Section, rules};
use crate::diagnose::Problem;

/// The `type` of a backend that is a process.
pub(super) const STDIO: &str = "stdio";

/// A process of this machine.
#[derive(Clone)]
pub struct Process {
    /// The program, looked up in `PATH` when it has no `/`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Where in each of them something stands for a variable.
    pub from_variables: Vec<Vec<Range<usize>>>,
    /// Variables for it, beside the small safe environment that every backend gets.
    pub env: IndexMap<String, SecretString>,
    /// The folder that it starts in; never relative. `None`: the gateway's own.
    pub cwd: Option<PathBuf>,
}

const TYPE: Field = Field::new("type", Kind::Choice(&[STDIO]), "A process of this machine.").required();
const COMMAND: Field = Field::new(
    "command",
    Kind::Text(&rules::NOT_EMPTY),
    "The program to start; looked up in PATH when it has no slash.",
)
.required();
const COMMAND_FIRST: Field = Field::new(
    "command",
    Kind::Text(&rules::NOT_EMPTY),
    "A program that serves the url, started first; looked up in PATH when it has no slash.",
);
const ARGS: Field = Field::new("args", Kind::Texts(&rules::ANY), "The program's arguments.").secret();
const ENV: Field = Field::new(
    "env",
    Kind::TextMap {
        names: &rules::VARIABLE,
        values: &rules::ANY,
    },
    "Variables for the process, beside a small safe base such as PATH, HOME and LANG.",
)
.secret();
const CWD: Field = Field::new(
    "cwd",
    Kind::Text(&rules::NOT_EMPTY),
    "The folder that the process starts in; a relative one starts from the folder of this file.",
);

/// The keys of `type: stdio`.
pub(super) const FIELDS: &[Field] = &[TYPE, COMMAND, ARGS, ENV, CWD];
/// The keys of a process that is started first.
pub(super) const FIELDS_FIRST: &[Field] = &[COMMAND_FIRST, ARGS, ENV, CWD];

impl Process {
    pub(super) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        let command = section.text(&COMMAND, cx);
        Self::with(command, section, cx)
    }

    /// The process that is started first, if the section has one; keys of a process without `command` are reported.
    pub(super) fn read_first(section: &Section<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let (problems, unset) = (cx.problems.len(), cx.unset.len());
        if let Some(command) = section.maybe_text(&COMMAND_FIRST, cx) {
            return Some(Self::with(command, section, cx));
        }
        let reported = cx.problems.len() > problems || cx.unset.len() > unset;
        for field in FIELDS_FIRST.iter().filter(|_| !reported) {
            if let Some((path, span)) = section.written(field) {
                let message = format!("`{path}` is about a process, and there is no `command`");
                cx.report(Problem::new(span, message).help("add the `command` to start, or remove the key"));
            }
        }
        None
    }

    fn with(command: String, section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        let args = section.resolved(&ARGS, cx).into_iter();
        let (args, from_variables) = args.map(|(arg, _)| (arg.text, arg.places)).unzip();
        Self {
            command,
            args,
            from_variables,
            env: section.secrets(&ENV, cx),
            cwd: section.maybe_text(&CWD, cx).map(|cwd| cx.folder.join(cwd)),
        }
    }
}

impl Process {
    /// What variables gave to the arguments.
    pub fn values_in_args(&self) -> impl Iterator<Item = &str> {
        let of_all = self.args.iter().zip(&self.from_variables);
        of_all.flat_map(|(arg, places)| places.iter().filter_map(|place| arg.get(place.clone())))
    }

    /// The arguments with `mask` in the place of what variables gave.
    #[must_use]
    pub fn masked_args(&self, mask: &str) -> Vec<String> {
        let of_all = self.args.iter().zip(&self.from_variables);
        let masked = |(arg, places): (&String, &Vec<Range<usize>>)| {
            let mut shown = String::new();
            let mut from = 0;
            for place in places {
                shown.push_str(arg.get(from..place.start).unwrap_or_default());
                shown.push_str(mask);
                from = place.end;
            }
            shown.push_str(arg.get(from..).unwrap_or_default());
            shown
        };
        of_all.map(masked).collect()
    }
}

/// Arguments may carry secrets, so only their number is shown.
impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("command", &self.command)
            .field("args", &format_args!("[{} arguments]", self.args.len()))
            .field("env", &self.env)
            .field("cwd", &self.cwd)
            .finish()
    }
}
