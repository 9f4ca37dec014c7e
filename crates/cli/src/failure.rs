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

impl Failure {
    /// Says what is wrong on standard error and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Configuration(LoadError::Invalid(report)) => {
                output::say(format_args!("{}\n", report.render(output::report_style()).trim_end()));
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
