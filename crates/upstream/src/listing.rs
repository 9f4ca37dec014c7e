//! Reading a backend's lists to the last page.

use std::collections::HashSet;
use std::time::Duration;

use argus_protocol::code::METHOD_NOT_FOUND;
use argus_protocol::{Era, Object, Raw, method};
use serde_json::value::RawValue;

use crate::hint::{Hint, Hints, ListHint};
use crate::{Link, LinkError};

/// A backend that gives more pages than this is broken.
const MAX_PAGES: usize = 10_000;

/// Everything a backend lists, each item as it wrote it, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    /// `tools/list`.
    pub tools: Vec<Raw>,
    /// `resources/list`.
    pub resources: Vec<Raw>,
    /// `resources/templates/list`.
    pub templates: Vec<Raw>,
    /// `prompts/list`.
    pub prompts: Vec<Raw>,
    /// How long each of them holds.
    pub hints: Hints,
    /// Whether a list is empty because the backend refused it, so that it is worth asking again.
    pub incomplete: bool,
}

/// One list, or what stands for it.
enum List {
    /// Its items, and what the backend said of how long they hold.
    Read(Vec<Raw>, Option<Hint>),
    /// The backend does not have it.
    Absent,
    Refused,
}

impl List {
    /// The items with how long they hold. `announced`: the backend declares to say when the list changes.
    fn items(self, announced: bool, incomplete: &mut bool) -> (Vec<Raw>, Option<ListHint>) {
        match self {
            Self::Read(items, given) => (items, Some(ListHint { given, announced })),
            Self::Absent => (Vec::new(), None),
            Self::Refused => {
                *incomplete = true;
                let given = Some(Hint::NONE);
                (Vec::new(), Some(ListHint { given, announced }))
            }
        }
    }
}

/// Reads all lists that the backend declares. `limit` holds per page.
///
/// # Errors
/// When the connection fails. A list that the backend refuses is empty.
pub(crate) async fn read(link: &Link, limit: Duration) -> Result<Lists, LinkError> {
    let hello = link.hello();
    link.hearing().lists_asked();
    let (has_tools, has_resources, has_prompts) = (hello.has("tools"), hello.has("resources"), hello.has("prompts"));
    let (tools, resources, templates, prompts) = tokio::try_join!(
        list(link, has_tools, method::TOOLS_LIST, "tools", limit),
        list(link, has_resources, method::RESOURCES_LIST, "resources", limit),
        list(link, has_resources, method::TEMPLATES_LIST, "resourceTemplates", limit),
        list(link, has_prompts, method::PROMPTS_LIST, "prompts", limit),
    )?;
    let announced = |capability| hello.has_flag(capability, "listChanged");
    let mut incomplete = false;
    let (tools, of_tools) = tools.items(announced("tools"), &mut incomplete);
    let (resources, of_resources) = resources.items(announced("resources"), &mut incomplete);
    let (templates, of_templates) = templates.items(announced("resources"), &mut incomplete);
    let (prompts, of_prompts) = prompts.items(announced("prompts"), &mut incomplete);
    Ok(Lists {
        tools,
        resources,
        templates,
        prompts,
        hints: Hints {
            tools: of_tools,
            resources: of_resources,
            templates: of_templates,
            prompts: of_prompts,
        },
        incomplete,
    })
}

/// Reads the tools alone. `limit` holds per page.
///
/// # Errors
/// When the connection fails, or the backend refuses the list.
pub(crate) async fn tools(link: &Link, limit: Duration) -> Result<Vec<Raw>, LinkError> {
    let (tools, _) = pages(link, method::TOOLS_LIST, "tools", limit).await?;
    Ok(tools)
}

async fn list(
    link: &Link,
    declared: bool,
    method: &'static str,
    member: &'static str,
    limit: Duration,
) -> Result<List, LinkError> {
    if !declared {
        return Ok(List::Absent);
    }
    match pages(link, method, member, limit).await {
        Ok((items, hint)) => Ok(List::Read(items, hint)),
        Err(error) if error.refusal_code() == Some(METHOD_NOT_FOUND) => Ok(List::Absent),
        Err(error @ LinkError::Refused { .. }) => {
            tracing::warn!(%error, "a list is left empty");
            Ok(List::Refused)
        }
        Err(error) => Err(error),
    }
}

/// All pages of a list, with the hint that holds for all of them.
async fn pages(
    link: &Link,
    method: &'static str,
    member: &str,
    limit: Duration,
) -> Result<(Vec<Raw>, Option<Hint>), LinkError> {
    let mut items = Vec::new();
    let mut hint: Option<Hint> = None;
    let mut seen = HashSet::new();
    let mut params = None;
    for _ in 0..MAX_PAGES {
        let page = link.ask(method, params.take(), limit).await?;
        let malformed = |why: String| LinkError::Protocol(format!("the answer to `{method}` is malformed: {why}"));
        let page = Object::parse(&page).map_err(|error| malformed(error.to_string()))?;
        if link.era() == Era::Modern {
            let of_page = Hint::of(&page);
            hint = Some(hint.map_or(of_page, |hint| hint.and(of_page)));
        }
        if let Some(list) = page.get(member) {
            let parts: Vec<&RawValue> = list.read().map_err(|error| malformed(error.to_string()))?;
            items.extend(
                parts
                    .into_iter()
                    .filter_map(|part| Raw::parse(part.get().to_owned()).ok()),
            );
        }
        let Some(cursor) = page.get("nextCursor").filter(|raw| raw.as_str() != "null").cloned() else {
            return Ok((items, hint));
        };
        if !seen.insert(cursor.clone()) {
            return Err(malformed("it gives the same cursor twice".to_owned()));
        }
        params = Object::parse(&Raw::empty_object())
            .ok()
            .map(|empty| empty.edit().set("cursor", cursor).finish());
    }
    Err(LinkError::Protocol(format!(
        "`{method}` has more than {MAX_PAGES} pages"
    )))
}
