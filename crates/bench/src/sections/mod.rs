//! What is measured; one file per section.

mod calls;
mod eras;
mod list;
mod machine;
mod memory;

use argus_bench::backend::{LARGE, SMALL};

use crate::arguments::{Arguments, Section};
use crate::bench::Bench;
use crate::report::Report;

/// Measures what the command line asks for.
///
/// # Errors
/// When a part is missing, or something does not answer as it should.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    let bench = Bench::prepare(arguments)?;
    let mut report = Report {
        conditions: machine::conditions(arguments),
        sections: Vec::new(),
    };
    if arguments.wants(Section::Calls) {
        report.sections.push(calls::small(&bench, SMALL).await?);
    }
    if arguments.wants(Section::Large) {
        report.sections.push(calls::large(&bench, LARGE).await?);
    }
    if arguments.wants(Section::Eras) {
        report.sections.push(eras::run(&bench, SMALL).await?);
    }
    if arguments.wants(Section::List) {
        report.sections.push(list::run(&bench).await?);
    }
    if arguments.wants(Section::Memory) {
        report.sections.push(memory::run(&bench).await?);
    }
    Ok(report)
}
