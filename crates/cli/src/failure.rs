//! Why a command did not succeed, and which exit code that is.

use std::process::ExitCode;

use argus_config::{LoadError, Report};

use crate::output;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments or the configuration are wrong: exit code 2.
    Configuration(LoadError),
    /// The environment holds something that is wrong: exit code 2.
    Usage(anyhow::Error),
    /// Something went wrong while running: exit code 1.
    Runtime(anyhow::Error),
    /// What was done failed, as was said already: this exit code.
    Said(ExitCode),
    /// No gateway answers: exit code 3.
    Unreachable(anyhow::Error),
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::Configuration(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Runtime(error)
    }
}

impl From<argus_client::Error> for Failure {
    fn from(error: argus_client::Error) -> Self {
        match error.is_unreachable() {
            true => Self::Unreachable(error.into()),
            false => Self::Runtime(error.into()),
        }
    }
}

impl Failure {
    /// A failure that the command itself has told of.
    pub(crate) fn said() -> Self {
        Self::Said(ExitCode::FAILURE)
    }

    /// Says what is wrong on standard error and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Configuration(LoadError::Invalid(report)) => {
                output::say_in_colours(format_args!("{}\n", report.render(output::report_style()).trim_end()));
                output::say(format_args!("error: {}", summary(&report)));
                ExitCode::from(2)
            }
            Self::Configuration(error) => {
                output::say(format_args!("error: {error}"));
                ExitCode::from(2)
            }
            Self::Usage(error) => {
                output::say(format_args!("error: {error:#}"));
                ExitCode::from(2)
            }
            Self::Runtime(error) => {
                output::say(format_args!("error: {error:#}"));
                ExitCode::FAILURE
            }
            Self::Said(code) => code,
            Self::Unreachable(error) => {
                output::say(format_args!("error: {error:#}"));
                ExitCode::from(3)
            }
        }
    }
}

fn summary(report: &Report) -> String {
    let file = report
        .findings()
        .first()
        .map_or("the configuration", |finding| finding.file());
    match report.findings().len() {
        1 => format!("{file} has 1 error"),
        count => format!("{file} has {count} errors"),
    }
}
