//! The clock: certificates and tokens need the right time.

use std::time::{Duration, SystemTime};

use super::finding::Finding;

const NAME: &str = "clock";
/// How far the clocks of two machines may be apart. It covers the time of an answer.
const TOLERANCE: Duration = Duration::from_secs(60);
const REMEDY: &str = "set the clock, and let a time service keep it right (timedatectl set-ntp true)";

/// What another machine said was the time, and when it was heard here.
pub(super) struct Date {
    pub(super) backend: String,
    pub(super) said: SystemTime,
    pub(super) heard: SystemTime,
}

pub(super) fn check(dates: &[Date]) -> Vec<Finding> {
    let program = std::env::current_exe().and_then(|program| program.metadata()?.modified());
    let now = SystemTime::now();
    if program.is_ok_and(|written| now + TOLERANCE < written) {
        let message = "it shows a time before this program was installed";
        return vec![Finding::error(NAME, message, REMEDY)];
    }
    let mut findings: Vec<Finding> = dates.iter().filter_map(apart).collect();
    if findings.is_empty() {
        let compared = match dates.len() {
            0 => String::new(),
            count => format!(", and agrees with {}", super::finding::counted(count, "remote backend")),
        };
        findings.push(Finding::ok(NAME, format!("it is plausible{compared}")));
    }
    findings
}

fn apart(date: &Date) -> Option<Finding> {
    let (apart, which) = match date.said.duration_since(date.heard) {
        Ok(behind) => (behind, "behind"),
        Err(ahead) => (ahead.duration(), "ahead of"),
    };
    (apart > TOLERANCE).then(|| {
        let message = format!(
            "it is {} s {which} that of the backend {}",
            apart.as_secs(),
            date.backend
        );
        Finding::warning(NAME, message, REMEDY)
    })
}
