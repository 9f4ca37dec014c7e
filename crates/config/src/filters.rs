//! `filters`: which capabilities of a backend are exposed.

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::decode::{Context, Field, Fields, Kind, Section, rules};
use crate::diagnose::Problem;

/// The most patterns that one list may have.
const MAX_PATTERNS: usize = 1000;
/// The most bytes that the patterns of one list may have.
const MAX_BYTES: usize = 64 << 10;
/// The most bytes that the patterns of all lists may have; each becomes many times its size.
const MAX_BYTES_OF_ALL: usize = 512 << 10;

/// Which capabilities of a backend are exposed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    /// Tools, by their original name.
    pub tools: Filter,
    /// Resources and resource templates, by their URI.
    pub resources: Filter,
    /// Prompts, by their original name.
    pub prompts: Filter,
}

/// Patterns that allow and deny; denying wins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    allow: Globs,
    deny: Globs,
}

/// Patterns as written, and compiled.
#[derive(Clone, Debug, Default)]
struct Globs {
    patterns: Vec<String>,
    set: GlobSet,
}

const TOOLS: Field = Field::new("tools", Kind::Section(FILTER_FIELDS), "Tools, by their original name.");
const RESOURCES: Field = Field::new(
    "resources",
    Kind::Section(FILTER_FIELDS),
    "Resources and resource templates, by their URI.",
);
const PROMPTS: Field = Field::new(
    "prompts",
    Kind::Section(FILTER_FIELDS),
    "Prompts, by their original name.",
);

pub(crate) const FIELDS: Fields = &[&[TOOLS, RESOURCES, PROMPTS]];

const ALLOW: Field = Field::new(
    "allow",
    Kind::Texts(&rules::GLOB),
    "Patterns of what is exposed; empty means all.",
);
const DENY: Field = Field::new(
    "deny",
    Kind::Texts(&rules::GLOB),
    "Patterns of what is hidden; they win over `allow`.",
);

const FILTER_FIELDS: Fields = &[&[ALLOW, DENY]];

impl Filters {
    pub(crate) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        let mut filter = |field| Filter::read(&section.section(field, cx), cx);
        Self {
            tools: filter(&TOOLS),
            resources: filter(&RESOURCES),
            prompts: filter(&PROMPTS),
        }
    }
}

impl Filter {
    fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        Self {
            allow: Globs::read(section, &ALLOW, cx),
            deny: Globs::read(section, &DENY, cx),
        }
    }

    /// Whether a capability of this original name (of this URI, for resources) is exposed.
    #[must_use]
    pub fn passes(&self, original: &str) -> bool {
        let allowed = self.allow.patterns.is_empty() || self.allow.set.is_match(original);
        allowed && !self.deny.set.is_match(original)
    }

    /// The patterns that allow, as written.
    #[must_use]
    pub fn allow(&self) -> &[String] {
        &self.allow.patterns
    }

    /// The patterns that deny, as written.
    #[must_use]
    pub fn deny(&self) -> &[String] {
        &self.deny.patterns
    }
}

/// The set is made of the patterns.
impl PartialEq for Globs {
    fn eq(&self, other: &Self) -> bool {
        self.patterns == other.patterns
    }
}

impl Globs {
    fn read(section: &Section<'_>, field: &Field, cx: &mut Context<'_>) -> Self {
        let written: Vec<String> = section.texts(field, cx).into_iter().map(|(text, _)| text).collect();
        match Self::compiled(written, cx) {
            Ok(globs) => globs,
            Err(objection) => {
                if let Some((path, span)) = section.written(field) {
                    let problem = Problem::new(span, format!("`{path}` {objection}"));
                    cx.report(problem.help("write fewer or simpler patterns; one `*` stands for many names"));
                }
                Self::default()
            }
        }
    }

    /// What cannot be compiled as a whole is refused: patterns that are left out would deny nothing.
    fn compiled(patterns: Vec<String>, cx: &mut Context<'_>) -> Result<Self, String> {
        let bytes: usize = patterns.iter().map(String::len).sum();
        cx.patterns = cx.patterns.saturating_add(bytes);
        if patterns.len() > MAX_PATTERNS {
            return Err(format!("has more than {MAX_PATTERNS} patterns"));
        }
        if bytes > MAX_BYTES {
            return Err("has more than 64 KiB of patterns".to_owned());
        }
        if cx.patterns > MAX_BYTES_OF_ALL {
            return Err("is too much: the patterns of all filters have more than 512 KiB".to_owned());
        }
        let mut builder = GlobSetBuilder::new();
        for pattern in &patterns {
            // One that is malformed was reported where it stands.
            builder.add(Glob::new(pattern).map_err(|error| format!("has a malformed pattern: {}", error.kind()))?);
        }
        let set = builder
            .build()
            .map_err(|_| "is too large: its patterns cannot be compiled together".to_owned())?;
        Ok(Self { patterns, set })
    }
}
