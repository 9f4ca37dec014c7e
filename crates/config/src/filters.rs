//! `filters`: which capabilities of a backend are exposed.

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::decode::{Context, Field, Fields, Kind, Section, rules};

/// Which capabilities of a backend are exposed.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// Tools, by their original name.
    pub tools: Filter,
    /// Resources and resource templates, by their URI.
    pub resources: Filter,
    /// Prompts, by their original name.
    pub prompts: Filter,
}

/// Patterns that allow and deny; denying wins.
#[derive(Clone, Debug, Default)]
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

impl Globs {
    fn read(section: &Section<'_>, field: &Field, cx: &mut Context<'_>) -> Self {
        let mut builder = GlobSetBuilder::new();
        let mut patterns = Vec::new();
        for (pattern, _) in section.texts(field, cx) {
            if let Ok(glob) = Glob::new(&pattern) {
                builder.add(glob);
                patterns.push(pattern);
            }
        }
        Self {
            patterns,
            set: builder.build().unwrap_or_default(),
        }
    }
}
