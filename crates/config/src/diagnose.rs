//! What is wrong with a configuration, all of it at once: place, offending line and remedy.

use std::fmt;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, Severity,
    SourceCode, SourceSpan, SpanContents,
};

use crate::tree::Span;

/// A longer line, in bytes, is not shown: nobody could read it, and it cannot be drawn.
const LONGEST_LINE: usize = 2000;

/// One thing found in the file, before the file's name and text are attached.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) span: Span,
    /// The key at the place.
    pub(crate) key: Option<String>,
    message: String,
    help: Option<String>,
}

impl Problem {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            key: None,
            message: message.into(),
            help: None,
        }
    }

    /// Adds what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// An error or a warning about one place in the configuration file.
///
/// `Display` gives one line without the source text; [`Report::render`] gives the line of the file and the remedy.
#[derive(Clone, Debug)]
pub struct Finding {
    problem: Problem,
    severity: Severity,
    source: Arc<Source>,
    line: usize,
    column: usize,
}

impl Finding {
    /// The file as it was named.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.source.name
    }

    /// The line in the file, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in the line, counted in characters from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// The key at the place, with those of its sections before it.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.problem.key.as_deref()
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.problem.message
    }

    /// Whether its line can be shown to people.
    fn has_short_line(&self) -> bool {
        let text = &self.source.text;
        let start = self.problem.span.start.min(text.len());
        let around =
            |bytes: &mut dyn Iterator<Item = u8>| bytes.take(LONGEST_LINE).take_while(|it| *it != b'\n').count();
        let (before, after) = text.as_bytes().split_at(start);
        around(&mut before.iter().rev().copied()) + around(&mut after.iter().copied()) < LONGEST_LINE
    }

    /// In one line, with the place and the remedy.
    #[must_use]
    pub fn in_short(&self) -> String {
        let place = format!("{}:{}:{}: {self}", self.file(), self.line, self.column);
        self.remedy()
            .map_or(place.clone(), |remedy| format!("{place}; {remedy}"))
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.problem.help.as_deref()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Finding {}

impl Diagnostic for Finding {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Span { start, end } = self.problem.span;
        Some(Box::new(std::iter::once(LabeledSpan::underline(
            start..end.max(start + 1).min(self.source.text.len()),
        ))))
    }
}

/// The file's name and text. Always shows the whole line of a place, and never its neighbours: they may hold secrets.
#[derive(Debug)]
struct Source {
    name: String,
    text: String,
}

impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        _before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let before = self.text.get(..span.offset()).ok_or(MietteError::OutOfBounds)?;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let whole = SourceSpan::from((start, line.len()));
        let number = before.bytes().filter(|byte| *byte == b'\n').count();
        let column = before[start..].chars().count();
        let contents = MietteSpanContents::new_named(self.name.clone(), line.as_bytes(), whole, number, column, 1);
        Ok(Box::new(contents))
    }
}

/// All findings of one kind in one file, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn errors(name: &str, text: &str, problems: Vec<Problem>) -> Self {
        Self::new(name, text, problems, Severity::Error)
    }

    pub(crate) fn warnings(name: &str, text: &str, problems: Vec<Problem>) -> Self {
        Self::new(name, text, problems, Severity::Warning)
    }

    fn new(name: &str, text: &str, mut problems: Vec<Problem>, severity: Severity) -> Self {
        problems.sort_by_key(|problem| problem.span.start);
        let source = Arc::new(Source {
            name: name.to_owned(),
            text: text.to_owned(),
        });
        let mut positions = Positions::of(text);
        let finding = |problem: Problem| {
            let (line, column) = positions.next(problem.span.start);
            Finding {
                problem,
                severity,
                source: Arc::clone(&source),
                line,
                column,
            }
        };
        Self {
            findings: problems.into_iter().map(finding).collect(),
        }
    }

    /// The findings in the order of the file.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings for people: each with file, line, column, the line itself and the remedy.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let handler = style.handler();
        let mut text = String::new();
        for finding in &self.findings {
            if !finding.has_short_line() || handler.render_report(&mut text, finding).is_err() {
                text.push_str(&finding.in_short());
            }
            text.push('\n');
        }
        text
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(Style::Plain).trim_end())
    }
}

/// How a report is drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Style {
    /// ASCII without colours, for files and pipes.
    Plain,
    /// With colours, for a terminal.
    Coloured,
}

impl Style {
    fn handler(self) -> GraphicalReportHandler {
        let theme = match self {
            Self::Plain => GraphicalTheme::none(),
            Self::Coloured => GraphicalTheme::unicode(),
        };
        GraphicalReportHandler::new_themed(theme)
            .with_context_lines(0)
            .with_wrap_lines(false)
            .with_links(false)
    }
}

/// Lines and columns of byte offsets that only grow, both from 1, columns in characters.
struct Positions<'t> {
    /// What follows the offset that was asked for last.
    rest: &'t str,
    offset: usize,
    line: usize,
    column: usize,
}

impl<'t> Positions<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            rest: text,
            offset: 0,
            line: 1,
            column: 1,
        }
    }

    fn next(&mut self, offset: usize) -> (usize, usize) {
        let (between, rest) = self
            .rest
            .split_at_checked(offset - self.offset)
            .unwrap_or((self.rest, ""));
        self.offset += between.len();
        self.rest = rest;
        match between.rsplit_once('\n') {
            Some((lines, line)) => {
                self.line += lines.bytes().filter(|byte| *byte == b'\n').count() + 1;
                self.column = line.chars().count() + 1;
            }
            None => self.column += between.chars().count(),
        }
        (self.line, self.column)
    }
}
