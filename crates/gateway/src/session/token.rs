//! The id of a session that outlives the gateway: what the gateway has to know to go on with it, sealed.

use std::time::{SystemTime, UNIX_EPOCH};

use argus_protocol::{Raw, version};
use argus_upstream::Declared;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Caller;
use super::key::Key;
use crate::seal::Seal;

/// What the seal is bound to, so that nothing else that is sealed here passes for an id.
const CONTEXT: &[u8] = b"Mcp-Session-Id 1";
/// How long after its begin a session can be gone on with by another process.
const LIFETIME_S: u64 = 30 * 24 * 3600;
/// What a client says of itself stands in the id up to this many bytes, which makes an id of less than 1 KiB: it is sent
/// with every request, and proxies bound headers. More is kept in the journal.
const MAX_DECLARED: usize = 512;
/// With more than this a session ends with its process: a journal must not grow by what clients like to say.
const MAX_KEPT: usize = 16 * 1024;
/// No id is longer.
const MAX_ID: usize = 1024;

/// What an id says.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) key: Key,
    pub(super) version: &'static str,
    /// `None`: the journal knows.
    pub(super) declared: Option<Declared>,
}

/// Members that are not known here are no small thing: a session that is bound to more than this program knows of (a
/// view, say) must not be gone on with.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<'a> {
    key: Key,
    version: &'a str,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    info: Option<&'a RawValue>,
}

impl Token {
    /// What a client declared may be too long for an id.
    pub(super) fn holds(declared: &Declared) -> bool {
        length(declared) <= MAX_DECLARED
    }

    /// Or for the journal, too.
    pub(super) fn can_last(declared: &Declared) -> bool {
        length(declared) <= MAX_KEPT
    }

    /// The id, visible ASCII (MCP "Session management"); `None` when the system gives no random numbers.
    pub(super) fn seal(
        seal: &Seal,
        key: Key,
        version: &'static str,
        caller: Caller,
        declared: &Declared,
    ) -> Option<String> {
        let held = Some(declared).filter(|declared| Self::holds(declared));
        let info = held.and_then(|declared| declared.client_info.as_ref());
        let content = Content {
            key,
            version,
            principal: caller.principal().map(|principal| principal.to_string()),
            capabilities: held.and_then(|declared| declared.capabilities.read().ok()),
            info: info.and_then(|info| info.read().ok()),
        };
        let text = serde_json::to_vec(&content).ok()?;
        let id = seal.seal(CONTEXT, now() + LIFETIME_S, &text);
        (!id.is_empty() && id.len() <= MAX_ID).then_some(id)
    }

    /// Reads an id that was sealed here for this caller.
    pub(super) fn open(seal: &Seal, id: &str, caller: Caller) -> Option<Self> {
        if id.len() > MAX_ID {
            return None;
        }
        let text = seal.open(CONTEXT, now(), id).ok()?;
        let content: Content<'_> = serde_json::from_slice(&text).ok()?;
        if content.principal != caller.principal().map(|principal| principal.to_string()) {
            return None;
        }
        let raw = |value: &RawValue| Raw::parse(value.get().to_owned()).ok();
        let declared = match content.capabilities {
            None => None,
            Some(capabilities) => Some(Declared {
                capabilities: raw(capabilities)?,
                client_info: content.info.and_then(raw),
            }),
        };
        Some(Self {
            key: content.key,
            version: version::LEGACY.into_iter().find(|known| *known == content.version)?,
            declared,
        })
    }
}

fn length(declared: &Declared) -> usize {
    let info = declared.client_info.as_ref().map_or(0, |info| info.as_str().len());
    declared.capabilities.as_str().len() + info
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Principal;

    const KEY: Key = Key {
        born: 1_763_709_300_000,
        epoch: u32::MAX,
        random: u32::MAX,
    };

    fn raw(text: &str) -> Raw {
        Raw::parse(text.to_owned()).unwrap()
    }

    fn declared(info: &str) -> Declared {
        Declared {
            capabilities: raw(r#"{"sampling": {},"roots":{"listChanged":true},"elicitation":{"form":{},"url":{}}}"#),
            client_info: Some(raw(info)),
        }
    }

    fn anybody(last: u8) -> Caller {
        Caller::at([10, 0, 0, last].into())
    }

    #[test]
    fn an_id_says_what_was_put_in_byte_by_byte() {
        let seal = Seal::ephemeral().unwrap();
        let declared = declared(r#"{"name":"a client","version":"1.0", "x":1.0}"#);
        let id = Token::seal(&seal, KEY, "2025-06-18", anybody(1), &declared).unwrap();
        assert!(
            id.bytes().all(|byte| byte.is_ascii_graphic()) && id.len() < 512,
            "{}",
            id.len()
        );
        // An address is no principal: the client may have moved.
        let read = Token::open(&seal, &id, anybody(2)).unwrap();
        assert_eq!((read.key, read.version), (KEY, "2025-06-18"));
        assert_eq!(read.declared.unwrap(), declared);
    }

    #[test]
    fn the_longest_id_fits_and_what_is_longer_is_left_to_the_journal() {
        let seal = Seal::ephemeral().unwrap();
        let of = |length: usize| {
            let mut declared = declared("1");
            let rest = length - declared.capabilities.as_str().len() - 2;
            declared.client_info = Some(Raw::string(&"x".repeat(rest)));
            declared
        };
        let caller = Caller::known(Principal::named("alice"));
        let id = |length| Token::seal(&seal, KEY, "2025-11-25", caller, &of(length)).unwrap();
        let longest = id(MAX_DECLARED);
        assert!(longest.len() <= MAX_ID, "{}", longest.len());
        assert!(Token::open(&seal, &longest, caller).unwrap().declared.is_some());
        let short = id(MAX_DECLARED + 1);
        assert!(short.len() < 300, "{}", short.len());
        assert!(Token::open(&seal, &short, caller).unwrap().declared.is_none());
    }

    #[test]
    fn an_id_is_of_its_principal_alone() {
        let seal = Seal::ephemeral().unwrap();
        let known = |name| Caller::known(Principal::named(name));
        let id = |caller| Token::seal(&seal, KEY, "2025-11-25", caller, &Declared::nothing()).unwrap();
        let opens = |id: &str, caller| Token::open(&seal, id, caller).is_some();
        let (theirs, nobodys) = (id(known("alice")), id(anybody(1)));
        assert!(opens(&theirs, known("alice")) && opens(&nobodys, anybody(2)));
        assert!(!opens(&theirs, known("bob")) && !opens(&theirs, anybody(1)));
        assert!(!opens(&nobodys, known("alice")));
    }

    #[test]
    fn what_was_not_sealed_here_as_an_id_is_none() {
        let seal = Seal::ephemeral().unwrap();
        let id = Token::seal(&seal, KEY, "2025-11-25", anybody(1), &Declared::nothing()).unwrap();
        let opens = |seal: &Seal, id: &str| Token::open(seal, id, anybody(1)).is_some();
        assert!(opens(&seal, &id));
        assert!(!opens(&Seal::ephemeral().unwrap(), &id));
        for cut in [0, 1, id.len() / 2, id.len() - 1] {
            assert!(!opens(&seal, &id[..cut]), "{cut}");
        }
        assert!(!opens(&seal, &format!("{id}{id}")));
        let far = now() + 9;
        let whole = format!(r#"{{"key":"{KEY}","version":"2025-11-25","capabilities":{{}}}}"#);
        assert!(opens(&seal, &seal.seal(CONTEXT, far, whole.as_bytes())));
        assert!(
            !opens(&seal, &seal.seal(CONTEXT, now() - 1, whole.as_bytes())),
            "too old"
        );
        assert!(!opens(&seal, &seal.seal(b"requestState", far, whole.as_bytes())));
        for odd in [
            whole.replace("2025-11-25", "2199-01-01"),
            whole.replace("{\"key", "{\"view\":\"x\",\"key"),
            "{}".to_owned(),
            "5".to_owned(),
        ] {
            assert!(!opens(&seal, &seal.seal(CONTEXT, far, odd.as_bytes())), "{odd}");
        }
    }
}
