//! Arguments that tools want mirrored in headers. A client over stdio knows nothing of headers, so they are made here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argus_protocol::{Object, ParamHeaders, Raw};
use http::HeaderMap;

/// Which arguments of which tools are to be mirrored, as far as their lists were seen. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Tools(Arc<Mutex<HashMap<String, Arc<ParamHeaders>>>>);

impl Tools {
    /// Learns from a result of `tools/list`. A tool whose marks are not as they must be is called without headers: who
    /// lists it decides what becomes of that.
    pub(super) fn learn(&self, result: &Raw) {
        if !ParamHeaders::may_be_in(result) && self.known().is_empty() {
            return;
        }
        let tools = Object::parse(result).ok().and_then(|read| read.get("tools").cloned());
        // Each for itself: what nobody can read of one tool is not the others' business.
        for tool in tools.iter().flat_map(Raw::items) {
            let name = Object::parse(&tool).ok().and_then(|read| read.get_str("name"));
            let Some(name) = name else { continue };
            match ParamHeaders::of_tool(&tool) {
                Ok(Some(found)) => self.known().insert(name.to_string(), Arc::new(found)),
                Ok(None) | Err(_) => self.known().remove(&*name),
            };
        }
    }

    /// The headers of a call of a tool with these arguments; an argument that is not there has none.
    pub(super) fn headers(&self, tool: &str, arguments: Option<&Raw>) -> HeaderMap {
        let wanted = self.known().get(tool).cloned();
        wanted.iter().flat_map(|wanted| wanted.make(arguments)).collect()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Arc<ParamHeaders>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(properties: &str) -> Tools {
        let tools = Tools::default();
        let result = format!(
            r#"{{"tools":[{{"name":"plain","inputSchema":{{}}}},{{"name":"t","inputSchema":{{"type":"object","properties":{properties}}}}}]}}"#
        );
        tools.learn(&Raw::parse(result).unwrap());
        tools
    }

    fn region(tools: &Tools) -> Option<String> {
        let arguments = Raw::parse(r#"{"region":"eu"}"#).unwrap();
        let headers = tools.headers("t", Some(&arguments));
        headers
            .get("mcp-param-region")
            .map(|value| value.to_str().unwrap().to_owned())
    }

    const MARKED: &str = r#"{"region":{"type":"string","x-mcp-header":"Region"}}"#;

    #[test]
    fn marked_arguments_become_headers() {
        let tools = tools(MARKED);
        assert_eq!(region(&tools).as_deref(), Some("eu"));
        assert!(tools.headers("t", None).is_empty() && tools.headers("plain", None).is_empty());
    }

    #[test]
    fn a_tool_that_nobody_can_read_is_its_own_business() {
        for odd in [
            r#"{"name":"odd","description":"\ud800"}"#,
            r#"{"name":"\ud800"}"#,
            r#"{"name":"odd","inputSchema":{"maximum":1e400}}"#,
            r#"{"name":"odd","name":"odd"}"#,
            "1e400",
        ] {
            let marked = format!(r#"{{"name":"t","inputSchema":{{"properties":{MARKED}}}}}"#);
            let tools = Tools::default();
            tools.learn(&Raw::parse(format!(r#"{{"tools":[{odd},{marked}]}}"#)).unwrap());
            assert_eq!(region(&tools).as_deref(), Some("eu"), "{odd}");
        }
    }

    #[test]
    fn a_tool_that_changed_is_learned_anew() {
        for now in ["{}", r#"{"region":{"type":"number","x-mcp-header":"Region"}}"#] {
            let tools = tools(MARKED);
            let list = format!(r#"{{"tools":[{{"name":"t","inputSchema":{{"properties":{now}}}}}]}}"#);
            tools.learn(&Raw::parse(list).unwrap());
            assert_eq!(region(&tools), None);
        }
    }
}
