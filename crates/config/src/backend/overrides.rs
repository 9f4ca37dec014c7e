//! `tool_overrides`: new names and descriptions of tools.

use indexmap::IndexMap;

use crate::decode::{Context, Field, Fields, Kind, Section, rules};
use crate::diagnose::Problem;

/// A tool's new name or description.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ToolOverride {
    /// The name that clients see instead of the original one.
    pub name: Option<String>,
    /// The description that clients see instead of the original one.
    pub description: Option<String>,
}

const NAME: Field = Field::new(
    "name",
    Kind::Text(&rules::TOOL_NAME),
    "The name that clients see instead of the original one.",
);
const DESCRIPTION: Field = Field::new(
    "description",
    Kind::Text(&rules::ANY),
    "The description that clients see instead of the original one.",
);

pub(super) const FIELDS: Fields = &[&[NAME, DESCRIPTION]];

/// Reads the overrides; an override that changes nothing and a name given twice are reported.
pub(super) fn read(section: &Section<'_>, field: &Field, cx: &mut Context<'_>) -> IndexMap<String, ToolOverride> {
    let Kind::Sections { fields, .. } = field.kind else {
        return IndexMap::new();
    };
    let mut overrides: IndexMap<String, ToolOverride> = IndexMap::new();
    for named in section.named(field, cx) {
        let (problems, unset) = (cx.problems.len(), cx.unset.len());
        let Some(opened) = named.open(fields, cx) else { continue };
        let tool = ToolOverride {
            name: opened.maybe_text(&NAME, cx),
            description: opened.maybe_text(&DESCRIPTION, cx),
        };
        let clean = cx.problems.len() == problems && cx.unset.len() == unset;
        if clean && tool == ToolOverride::default() {
            let message = format!("`{}` changes nothing", named.path);
            cx.report(Problem::new(named.name_span.clone(), message).help("give a `name` or a `description`"));
        }
        if let Some(other) = taken(&overrides, named.name, &tool) {
            let message = format!("`{}` and `{other}` get the same name", named.name);
            cx.report(Problem::new(named.name_span.clone(), message).help("give each tool a name of its own"));
        }
        overrides.insert(named.name.to_owned(), tool);
    }
    overrides
}

/// The override that already exposes the name that this one wants.
fn taken<'o>(overrides: &'o IndexMap<String, ToolOverride>, original: &str, tool: &ToolOverride) -> Option<&'o str> {
    let name = exposed(original, tool);
    overrides
        .iter()
        .find(|(other, tool)| exposed(other, tool) == name)
        .map(|(other, _)| other.as_str())
}

fn exposed<'t>(original: &'t str, tool: &'t ToolOverride) -> &'t str {
    tool.name.as_deref().unwrap_or(original)
}
