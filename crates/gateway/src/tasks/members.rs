//! Where messages name tasks, and other names put there.

use argus_protocol::{ByteString, Object, Raw, Sought, meta, method};

/// The member with the id of a task.
const ID: &str = "taskId";
static SOUGHT: Sought = Sought::new(ID);

/// Whether a value may name a task somewhere; `false` is certain.
pub(super) fn may_name(raw: &Raw) -> bool {
    raw.may_have(&SOUGHT)
}

/// The task that a notification or question is about.
pub(crate) fn named(method: &str, params: &Raw) -> Option<ByteString> {
    if !may_name(params) {
        return None;
    }
    let read = Object::parse(params).ok()?;
    match method {
        method::TASK_STATUS => read.get_str(ID),
        _ => read.get_object("_meta")?.get_object(meta::RELATED_TASK)?.get_str(ID),
    }
}

/// An object whose `taskId` is another; `None` where it has none.
pub(crate) fn renamed(object: &Raw, rename: impl FnOnce(&str) -> Option<String>) -> Option<Raw> {
    let read = Object::parse(object).ok()?;
    let name = rename(&read.get_str(ID)?)?;
    Some(read.edit().set(ID, Raw::string(&name)).finish())
}

/// An object with a task in its member `member`; `None` where there is none.
pub(super) fn renamed_within(object: &Raw, member: &str, rename: impl FnOnce(&str) -> Option<String>) -> Option<Raw> {
    within(object, member, |task| renamed(task, rename))
}

/// An object whose `_meta` names the task it belongs to; `None` where it does not.
pub(crate) fn with_related(object: &Raw, rename: impl FnOnce(&str) -> Option<String>) -> Option<Raw> {
    if !may_name(object) {
        return None;
    }
    within(object, "_meta", |meta| {
        within(meta, meta::RELATED_TASK, |task| renamed(task, rename))
    })
}

fn within(object: &Raw, member: &str, change: impl FnOnce(&Raw) -> Option<Raw>) -> Option<Raw> {
    let read = Object::parse(object).ok()?;
    let changed = change(read.get(member)?)?;
    Some(read.edit().set(member, changed).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw {
        Raw::parse(text.to_owned()).unwrap()
    }

    fn marked(id: &str) -> Option<String> {
        Some(format!("{id}!"))
    }

    #[test]
    fn only_the_id_changes() {
        let task = raw(r#"{"ttl": 1.0,"taskId":"t", "x":{"taskId":"t"}}"#);
        assert_eq!(
            renamed(&task, marked).unwrap().as_str(),
            r#"{"ttl": 1.0,"taskId":"t!", "x":{"taskId":"t"}}"#
        );
        let created = raw(r#"{"task":{"taskId":"t","n":1.0},"_meta":{}}"#);
        assert_eq!(
            renamed_within(&created, "task", marked).unwrap().as_str(),
            r#"{"task":{"taskId":"t!","n":1.0},"_meta":{}}"#
        );
        let related = raw(r#"{"taskId":"t","_meta":{"a":1.0,"io.modelcontextprotocol/related-task":{"taskId":"t"}}}"#);
        assert_eq!(
            with_related(&related, marked).unwrap().as_str(),
            r#"{"taskId":"t","_meta":{"a":1.0,"io.modelcontextprotocol/related-task":{"taskId":"t!"}}}"#
        );
        assert!(with_related(&task, marked).is_none() && renamed_within(&task, "task", marked).is_none());
    }

    #[test]
    fn a_status_names_its_task_and_others_what_they_belong_to() {
        let status = raw(r#"{"taskId":"t","_meta":{"io.modelcontextprotocol/related-task":{"taskId":"u"}}}"#);
        assert_eq!(named(method::TASK_STATUS, &status).as_deref(), Some("t"));
        assert_eq!(named(method::LOG, &status).as_deref(), Some("u"));
        assert_eq!(named(method::LOG, &raw(r#"{"data":{"taskId":"t"}}"#)), None);
    }
}
