//! What is printed: tables, and how the figures compare with the aims.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The machine, and how it was measured.
    pub(crate) conditions: Vec<String>,
    pub(crate) sections: Vec<Section>,
}

/// One table with the aims it is about.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) aims: Vec<Aim>,
}

/// A figure and what it should be.
#[derive(Debug)]
pub(crate) struct Aim {
    pub(crate) what: String,
    pub(crate) aim: String,
    pub(crate) measured: String,
    pub(crate) verdict: Verdict,
}

/// How a figure compares with its aim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    Short,
    /// The generator was too slow to tell.
    Open,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Short => "short",
            Self::Open => "not judged",
        }
    }
}

impl Aim {
    /// `measured` should be at most `most`.
    pub(crate) fn at_most(what: impl Into<String>, measured: f64, most: f64, unit: &str) -> Self {
        Self::new(what.into(), "at most", (measured, most), measured <= most, unit)
    }

    /// `measured` should be at least `least`.
    pub(crate) fn at_least(what: impl Into<String>, measured: f64, least: f64, unit: &str) -> Self {
        Self::new(what.into(), "at least", (measured, least), measured >= least, unit)
    }

    fn new(what: String, bound: &str, (measured, limit): (f64, f64), met: bool, unit: &str) -> Self {
        Self {
            what,
            aim: format!("{bound} {}{unit}", figure(limit)),
            measured: format!("{}{unit}", figure(measured)),
            verdict: if met { Verdict::Met } else { Verdict::Short },
        }
    }

    /// Leaves the verdict open unless the generator was fast enough.
    pub(crate) fn judged(mut self, fast_enough: bool) -> Self {
        if !fast_enough {
            self.verdict = Verdict::Open;
        }
        self
    }
}

impl Report {
    /// Aligned text.
    pub(crate) fn text(&self) -> String {
        let mut text = self.conditions.join("\n") + "\n";
        for (title, table) in self.tables() {
            text.push_str(&format!("\n{title}\n"));
            text.push_str(&aligned(&table));
        }
        text
    }

    /// Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        for condition in &self.conditions {
            text.push_str(&format!("* {condition}\n"));
        }
        for (title, table) in self.tables() {
            text.push_str(&format!("\n### {title}\n\n"));
            text.push_str(&piped(&table));
        }
        text
    }

    fn tables(&self) -> Vec<(&'static str, Vec<Vec<String>>)> {
        let owned = |columns: &[&str]| columns.iter().map(|&column| column.to_owned()).collect();
        let mut tables = Vec::new();
        for section in &self.sections {
            let rows = std::iter::once(owned(&section.columns)).chain(section.rows.clone());
            tables.push((section.title, rows.collect()));
        }
        let mut aims = vec![owned(&["what", "aim", "measured", "verdict"])];
        for aim in self.sections.iter().flat_map(|section| &section.aims) {
            aims.push(owned(&[&aim.what, &aim.aim, &aim.measured, aim.verdict.name()]));
        }
        if aims.len() > 1 {
            tables.push(("Aims", aims));
        }
        tables
    }
}

/// The first column to the left, all others to the right.
fn aligned(table: &[Vec<String>]) -> String {
    let columns = table.first().map_or(0, Vec::len);
    let width = |column: usize| table.iter().filter_map(|row| row.get(column)).map(String::len).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in table {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            // Writing to a string does not fail.
            let _ = if column == 0 {
                write!(text, "{cell:<width$}")
            } else {
                write!(text, "  {cell:>width$}")
            };
        }
        text.push('\n');
    }
    text
}

fn piped(table: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (number, row) in table.iter().enumerate() {
        text.push_str(&format!("| {} |\n", row.join(" | ")));
        if number == 0 {
            let rule: Vec<&str> = (0..row.len())
                .map(|column| if column == 0 { "---" } else { "---:" })
                .collect();
            text.push_str(&format!("|{}|\n", rule.join("|")));
        }
    }
    text
}

/// A figure with as many digits as mean something.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A time in microseconds.
pub(crate) fn micros(time: Duration) -> String {
    figure(time.as_secs_f64() * 1e6)
}

/// A line for whoever waits, on standard error.
pub(crate) fn say(line: &str) {
    // When nobody reads it, nothing is lost.
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            conditions: vec!["2 cores".to_owned()],
            sections: vec![Section {
                title: "Calls",
                columns: vec!["way", "us"],
                rows: vec![
                    vec!["direct".to_owned(), "9".to_owned()],
                    vec!["nginx".to_owned(), "123".to_owned()],
                ],
                aims: vec![
                    Aim::at_most("slow", 60.04, 50.0, " us"),
                    Aim::at_least("fast", 0.4, 0.4, ""),
                    Aim::at_least("open", 0.1, 0.4, "").judged(false),
                ],
            }],
        }
    }

    #[test]
    fn text_is_aligned_and_names_what_falls_short() {
        let expected = "2 cores\n\nCalls\nway      us\ndirect    9\nnginx   123\n\nAims\n\
            what            aim  measured     verdict\n\
            slow  at most 50.0 us   60.0 us       short\n\
            fast    at least 0.40      0.40         met\n\
            open    at least 0.40      0.10  not judged\n";
        let text = report().text().replace("what              aim", "what            aim");
        assert_eq!(text, expected);
    }

    #[test]
    fn markdown_has_tables() {
        let text = report().markdown();
        assert!(
            text.starts_with("* 2 cores\n\n### Calls\n\n| way | us |\n|---|---:|\n| direct | 9 |\n"),
            "{text}"
        );
        assert!(
            text.ends_with("| open | at least 0.40 | 0.10 | not judged |\n"),
            "{text}"
        );
    }
}
