//! What is wrong with a configuration, all of it at once: place, offending line and remedy.

use std::fmt;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, Severity,
    SourceCode, SourceSpan, SpanContents,
};

use crate::tree::Span;

/// One thing found in the file, before the file's name and text are attached.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) span: Span,
    message: String,
    help: Option<String>,
}

impl Problem {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
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

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.problem.message
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
        let finding = |problem: Problem| {
            let (line, column) = position(text, problem.span.start);
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
            if handler.render_report(&mut text, finding).is_err() {
                text.push_str(&finding.problem.message);
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

/// Line and column of a byte offset, both from 1, the column in characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}
