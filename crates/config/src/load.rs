//! Finding, reading and checking the file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::decode::Context;
use crate::diagnose::{Problem, Report};
use crate::expand::Lookup;
use crate::root::Config;
use crate::settings::{Settings, gather};
use crate::tree::{self, Node, Value};

/// The names that are looked for in the working directory, in order.
const NAMES: [&str; 2] = ["config.yaml", "config.yml"];
/// The variable that names the file.
const VARIABLE: &str = "ARGUS_CONFIG";
/// So many problems are told at most.
const MAX_PROBLEMS: usize = 500;
/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What an unset variable means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Every unset variable is an error: for `config validate`.
    Check,
    /// An unset management token counts as none, and a backend that needs an unset variable becomes an entry without
    /// a definition, both with a warning; elsewhere it is an error: for the server.
    Serve,
}

/// A configuration together with what its author should know.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What works but is probably not meant.
    pub warnings: Report,
    /// Every key, with where its value comes from.
    pub settings: Settings,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// None of the places has a file.
    #[error(
        "no configuration file: there is neither config.yaml nor config.yml in {}; write one with `argus-mcp config \
         init`, name one with --config or {VARIABLE}, or try `argus-mcp server --demo`",
        .folder.display()
    )]
    NotFound {
        /// The working directory.
        folder: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file can be read, and something in it is wrong.
    #[error("{0}")]
    Invalid(Report),
}

/// The file to read: the one that was asked for, else `ARGUS_CONFIG`, else `config.yaml` or `config.yml` in `folder`.
///
/// # Errors
/// [`LoadError::NotFound`] if no file was asked for and `folder` has none.
pub fn locate(asked: Option<&Path>, environment: &Lookup<'_>, folder: &Path) -> Result<PathBuf, LoadError> {
    if let Some(path) = asked {
        return Ok(path.to_owned());
    }
    if let Some(path) = environment(VARIABLE).filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    NAMES
        .iter()
        .map(PathBuf::from)
        .find(|name| folder.join(name).exists())
        .ok_or_else(|| LoadError::NotFound {
            folder: folder.to_owned(),
        })
}

/// Reads, expands and checks a file. Variables are looked up with `environment` only.
///
/// # Errors
/// The file cannot be read, or something in it is wrong; then the error has everything that is wrong.
pub fn load(path: &Path, environment: &Lookup<'_>, mode: Mode) -> Result<Loaded, LoadError> {
    load_text(path, &read(path)?, environment, mode)
}

/// The text of a file, for [`load_text`].
///
/// # Errors
/// [`LoadError::Unreadable`].
pub fn read(path: &Path) -> Result<String, LoadError> {
    text_of(path).map_err(|source| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// The same as [`load`] with the text that was read of the file.
///
/// # Errors
/// Something in it is wrong; then the error has everything that is wrong.
pub fn load_text(path: &Path, text: &str, environment: &Lookup<'_>, mode: Mode) -> Result<Loaded, LoadError> {
    let folder = folder_of(path).map_err(|source| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    check(&path.display().to_string(), text, &folder, environment, mode).map_err(LoadError::Invalid)
}

/// Checks the text of a configuration. `name` stands for the file in messages, and `folder` is where relative paths
/// start.
///
/// # Errors
/// Everything that is wrong.
pub fn check(name: &str, text: &str, folder: &Path, environment: &Lookup<'_>, mode: Mode) -> Result<Loaded, Report> {
    let mut cx = Context::new(environment, folder);
    let root = tree::parse(text, &mut cx.problems);
    let readable = root.is_some() || cx.problems.is_empty();
    let root = root.unwrap_or_else(nothing);
    let config = readable.then(|| Config::read(&root, &mut cx)).flatten();
    let warnings = settle(&mut cx, mode);
    match config {
        Some(config) if cx.problems.is_empty() => {
            let mut settings = gather(&root, text, environment);
            settings.complete(&config);
            Ok(Loaded {
                config,
                warnings: Report::warnings(name, text, located(warnings, &root)),
                settings,
            })
        }
        _ => Err(Report::errors(name, text, located(cx.problems, &root))),
    }
}

/// Makes errors of the unset variables that are not tolerated, and gives the warnings for the others.
fn settle(cx: &mut Context<'_>, mode: Mode) -> Vec<Problem> {
    cx.problems.extend(cx.unset.iter().map(|unset| unset.problem()));
    match mode {
        Mode::Serve => cx.tolerated.drain(..).map(|(_, warning)| warning).collect(),
        Mode::Check => {
            cx.problems
                .extend(cx.tolerated.iter().map(|(unset, _)| unset.problem()));
            Vec::new()
        }
    }
}

/// The problems in the order of the file, each with the key at its place. Of very many the first ones are enough.
fn located(mut problems: Vec<Problem>, root: &Node) -> Vec<Problem> {
    problems.sort_by_key(|problem| problem.span.start);
    let more = problems.len().saturating_sub(MAX_PROBLEMS);
    problems.truncate(MAX_PROBLEMS);
    for problem in &mut problems {
        problem.key = root.key_at(problem.span.start);
    }
    if let (1.., Some(last)) = (more, problems.last()) {
        let said = Problem::new(
            last.span.clone(),
            format!("after this place there are {more} more problems"),
        );
        problems.push(said.help("mend the others first"));
    }
    problems
}

/// An empty file.
fn nothing() -> Node {
    Node {
        span: 0..0,
        value: Value::Mapping(Vec::new()),
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 4 MiB"));
    }
    let text =
        String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn folder_of(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    Ok(absolute.parent().map(Path::to_owned).unwrap_or(absolute))
}
