//! Tools that mark arguments for headers in a way that is not allowed, told as a condition of the backend.

use argus_protocol::shown;

use super::items::Offered;
use crate::condition::{Condition, ConditionKind};

/// Tools that a message lists; of more it tells the number.
const LISTED: usize = 10;

/// What to say of a backend with such tools; `None` where it has none. The tools stay in the lists: whether a client can
/// call them is for the client to say, and over stdio and HTTP+SSE it can (MCP 2026-07-28 "Schema extension").
pub(super) fn condition(offered: &Offered) -> Option<Condition> {
    let bad: Vec<_> = offered.badly_marked().collect();
    if bad.is_empty() {
        return None;
    }
    let listed = bad.iter().take(LISTED);
    // A backend decides about names: in a line of the log they are cut, and control characters are spelled out.
    let listed: Vec<String> = listed
        .map(|(tool, why)| format!("`{}` ({})", shown(tool).escape_debug(), why.to_string().escape_debug()))
        .collect();
    let more = match bad.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "tools that clients of 2026-07-28 leave out over Streamable HTTP, until the backend marks their arguments as it \
         must: {}{more}",
        listed.join(", ")
    );
    Some(Condition {
        kind: ConditionKind::BadHeaderMarks,
        message,
        backends: Vec::new(),
    })
}
