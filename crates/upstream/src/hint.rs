//! How long what a backend lists or says of itself holds, and for whom (MCP 2026-07-28 "Caching").

use argus_protocol::{Object, Raw};
use serde::{Deserialize, Serialize};

use crate::hearing::ListKind;

/// Numbers beyond this one are not exact everywhere (RFC 8259, section 6).
const MAX_TTL_MS: u64 = (1 << 53) - 1;

/// The hint of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// For so many milliseconds the result may be taken for fresh.
    pub ttl_ms: u64,
    /// Whether it is the same for all callers.
    pub public: bool,
}

impl Hint {
    /// For those who must not keep it.
    pub const NONE: Self = Self {
        ttl_ms: 0,
        public: false,
    };

    /// The hint of a result of 2026-07-28. What is missing or malformed is taken for the least.
    #[must_use]
    pub fn of(result: &Object) -> Self {
        let public = result.get("cacheScope").is_some_and(|raw| raw.as_str() == "\"public\"");
        Self {
            ttl_ms: result.get("ttlMs").map_or(0, milliseconds),
            public,
        }
    }

    /// The hint of a result that has a part with this hint and a part with another one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            ttl_ms: self.ttl_ms.min(other.ttl_ms),
            public: self.public && other.public,
        }
    }

    /// `cacheScope`.
    #[must_use]
    pub fn scope(self) -> &'static str {
        match self.public {
            true => "public",
            false => "private",
        }
    }
}

/// A number of JSON, which may be written in many ways.
fn milliseconds(raw: &Raw) -> u64 {
    if let Ok(whole) = raw.read::<u64>() {
        return whole.min(MAX_TTL_MS);
    }
    match raw.read::<f64>() {
        // What is negative becomes 0.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast of a float takes the nearest number that there is"
        )]
        Ok(number) => (number as u64).min(MAX_TTL_MS),
        Err(_) => 0,
    }
}

/// How a list of a backend's is kept fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListHint {
    /// What the backend gave with it; `None` where its revision has no hints.
    pub given: Option<Hint>,
    /// Whether the backend declares that it says when it changes.
    pub announced: bool,
}

/// The hints of all lists of a backend; `None` for one that it does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints {
    /// `tools/list`.
    pub tools: Option<ListHint>,
    /// `resources/list`.
    pub resources: Option<ListHint>,
    /// `resources/templates/list`.
    pub templates: Option<ListHint>,
    /// `prompts/list`.
    pub prompts: Option<ListHint>,
}

impl Hints {
    /// After how many milliseconds the first of the lists is out of date, of those whose changes nobody hears of: they are
    /// not announced, or where they would be nobody `hears` them. A list that never holds is none of them: it would have
    /// to be read all the time.
    pub(crate) fn out_of_date_ms(&self, hears: impl Fn(ListKind) -> bool) -> Option<u64> {
        let all = [
            (self.tools, ListKind::Tools),
            (self.resources, ListKind::Resources),
            (self.templates, ListKind::Resources),
            (self.prompts, ListKind::Prompts),
        ];
        all.into_iter()
            .filter_map(|(hint, kind)| hint.filter(|hint| !(hint.announced && hears(kind))))
            .filter_map(|hint| Some(hint.given?.ttl_ms).filter(|ttl| *ttl > 0))
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(text: &str) -> Hint {
        Hint::of(&Object::parse(&Raw::parse(text.to_owned()).unwrap()).unwrap())
    }

    #[test]
    fn what_is_not_said_well_is_the_least() {
        let read = |text: &str| (hint(text).ttl_ms, hint(text).public);
        assert_eq!(read(r#"{"ttlMs":5000,"cacheScope":"public"}"#), (5000, true));
        assert_eq!(read(r#"{"ttlMs":5e3,"cacheScope":"private"}"#), (5000, false));
        assert_eq!(read(r#"{"ttlMs":1e300,"cacheScope":"Public"}"#), (MAX_TTL_MS, false));
        assert_eq!(read(r#"{"ttlMs":18446744073709551615}"#), (MAX_TTL_MS, false));
        for bad in [
            "{}",
            r#"{"ttlMs":-1}"#,
            r#"{"ttlMs":"9"}"#,
            r#"{"ttlMs":null,"cacheScope":1}"#,
        ] {
            assert_eq!(hint(bad), Hint::NONE, "{bad}");
        }
    }

    #[test]
    fn a_whole_holds_as_long_as_its_least_part() {
        let of = |ttl_ms, public| Hint { ttl_ms, public };
        assert_eq!(of(5, true).and(of(7, true)), of(5, true));
        assert_eq!(of(7, true).and(of(5, false)), of(5, false));
    }

    #[test]
    fn only_lists_that_are_not_heard_of_get_out_of_date() {
        let list = |ttl_ms, announced| {
            let given = Some(Hint { ttl_ms, public: true });
            Some(ListHint { given, announced })
        };
        let hints = Hints {
            tools: list(5, true),
            resources: list(9, false),
            templates: list(7, false),
            prompts: list(0, false),
        };
        assert_eq!(hints.out_of_date_ms(|_| true), Some(7));
        let unheard = |kind| hints.out_of_date_ms(|heard| heard != kind);
        assert_eq!(
            (unheard(ListKind::Tools), unheard(ListKind::Prompts)),
            (Some(5), Some(7))
        );
        let never = Hints {
            tools: list(0, false),
            prompts: list(5, true),
            ..Hints::default()
        };
        assert_eq!(never.out_of_date_ms(|_| true), None);
    }
}
