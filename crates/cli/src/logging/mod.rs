//! Logs: on standard error, and in files of a folder.
//!
//! Both are written by threads of their own with bounded queues: a reader that hangs or a disk that is full costs log
//! lines, never the program.

mod background;
mod file;
mod lost;

use std::convert::Infallible;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use argus_server::{CountLost, LostLines};
use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, warn};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::output;
use lost::Counting;

/// So many lines wait to be written. Each has 64 bytes that are resident from the start.
const WAITING_LINES: usize = 16_384;

/// What is logged, how and where to.
pub(crate) struct Options {
    pub(crate) level: Level,
    pub(crate) format: Format,
    pub(crate) folder: Folder,
    /// Whether standard error is a file that belongs to this process.
    pub(crate) background: bool,
}

/// From which level on messages are logged.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    #[value(alias = "warn")]
    Warning,
    #[value(alias = "critical")]
    Error,
}

/// How messages on standard error look.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// A line for people
    Text,
    /// A JSON object on each line
    Json,
}

/// Where log files go.
#[derive(Clone, Debug)]
pub(crate) enum Folder {
    None,
    At(PathBuf),
}

impl FromStr for Folder {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "none" {
            Self::None
        } else {
            Self::At(text.into())
        })
    }
}

/// Keeps the logs going; what is still queued is written when it is dropped.
pub(crate) struct Logging {
    _writers: Vec<WorkerGuard>,
    lost: LostLines,
}

impl Logging {
    /// What the logs do not have.
    pub(crate) fn lost(&self) -> LostLines {
        self.lost.clone()
    }
}

/// A log that is written by a thread of its own.
struct Queued {
    writer: NonBlocking,
    guard: WorkerGuard,
    lost: Arc<CountLost>,
}

/// Starts the logs of the process. A folder that cannot be written is one warning.
pub(crate) fn start(options: &Options) -> Logging {
    let stderr = match options.background {
        true => queued(background::Bounded::stderr()),
        false => queued(io::stderr()),
    };
    let mut writers = vec![stderr.guard];
    let mut lost = LostLines::default().and("stderr", stderr.lost);
    let (file, trouble) = match open(&options.folder) {
        Ok(file) => (file, None),
        Err(error) => (None, Some(error)),
    };
    let file = file.map(|file| {
        let file = queued(file);
        writers.push(file.guard);
        lost = std::mem::take(&mut lost).and("file", file.lost);
        file.writer
    });
    let started = tracing_subscriber::registry()
        .with(filter(options.level))
        .with(stderr_layer(options.format, stderr.writer))
        .with(file.map(file_layer))
        .try_init();
    if let (Some(error), Folder::At(folder)) = (trouble, &options.folder) {
        warn!(
            "no log file: cannot write to {}: {error}; choose a folder with --log-dir, or none",
            folder.display()
        );
    }
    if let Err(error) = started {
        output::say(format_args!("warning: logs are off: {error}"));
    }
    Logging {
        _writers: writers,
        lost,
    }
}

/// A thread that writes, and a way to it that never waits.
fn queued(writer: impl Write + Send + 'static) -> Queued {
    let (writer, unwritten) = Counting::new(writer);
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .finish(writer);
    let dropped = writer.error_counter();
    Queued {
        writer,
        guard,
        lost: Arc::new(move || unwritten.load(Ordering::Relaxed) + dropped.dropped_lines() as u64),
    }
}

fn open(folder: &Folder) -> io::Result<Option<file::LogFile>> {
    match folder {
        Folder::None => Ok(None),
        Folder::At(folder) => file::LogFile::open(folder).map(Some),
    }
}

fn stderr_layer<S>(format: Format, writer: NonBlocking) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    let layer = fmt::layer().with_writer(writer).log_internal_errors(false);
    match format {
        Format::Text => layer.with_ansi(output::stderr_has_colours()).boxed(),
        Format::Json => layer.with_ansi(false).json().flatten_event(true).boxed(),
    }
}

fn file_layer<S>(writer: NonBlocking) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    fmt::layer()
        .with_writer(writer)
        .with_ansi(false)
        .log_internal_errors(false)
        .boxed()
}

/// The level for this project's crates; libraries speak up about trouble only, or at debug when everything is wanted.
fn filter(level: Level) -> Targets {
    let (own, libraries) = match level {
        Level::Trace => (LevelFilter::TRACE, LevelFilter::DEBUG),
        Level::Debug => (LevelFilter::DEBUG, LevelFilter::WARN),
        Level::Info => (LevelFilter::INFO, LevelFilter::WARN),
        Level::Warning => (LevelFilter::WARN, LevelFilter::WARN),
        Level::Error => (LevelFilter::ERROR, LevelFilter::ERROR),
    };
    Targets::new().with_default(libraries).with_target("argus", own)
}
