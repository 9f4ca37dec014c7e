//! One list as clients see it, in pages.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use argus_protocol::write::{object, object_with_list};
use argus_protocol::{Era, Object, Raw, meta};
use argus_upstream::Hint;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::hints::Holding;

/// A list of one kind of capability. Its first page is rendered when it is first asked for, once per snapshot for legacy
/// clients, for modern ones again when it holds for another time.
#[derive(Debug)]
pub(crate) struct Listing {
    member: &'static str,
    items: Vec<Raw>,
    page_size: Option<usize>,
    holding: Holding,
    first: OnceLock<Raw>,
    first_modern: ArcSwapOption<(Hint, Raw)>,
}

/// A cursor that was not made here.
#[derive(Debug, thiserror::Error)]
#[error("the cursor is not one of this list; begin again without a cursor")]
pub(crate) struct BadCursor;

impl Listing {
    /// `member` is the name of the list in a result, such as `tools`; `holding` tells how long all its pages hold.
    pub(crate) fn new(member: &'static str, items: Vec<Raw>, page_size: Option<usize>, holding: Holding) -> Self {
        Self {
            member,
            items,
            page_size,
            holding,
            first: OnceLock::new(),
            first_modern: ArcSwapOption::empty(),
        }
    }

    /// The page that a request asks for: the first one without a cursor.
    pub(crate) fn page(&self, params: Option<&Raw>, era: Era) -> Result<Raw, BadCursor> {
        let cursor = params
            .and_then(|raw| Object::parse(raw).ok())
            .and_then(|read| read.get("cursor").cloned());
        match cursor {
            Some(raw) if raw.as_str() != "null" => {
                let text: String = raw.read().map_err(|_| BadCursor)?;
                Ok(self.render(self.offset(&text)?, self.hint(era)))
            }
            _ => Ok(match self.hint(era) {
                None => self.first.get_or_init(|| self.render(0, None)).clone(),
                Some(hint) => self.first_modern(hint),
            }),
        }
    }

    fn first_modern(&self, hint: Hint) -> Raw {
        if let Some(rendered) = self.first_modern.load().as_deref().filter(|(of, _)| *of == hint) {
            return rendered.1.clone();
        }
        let page = self.render(0, Some(hint));
        self.first_modern.store(Some(Arc::new((hint, page.clone()))));
        page
    }

    /// How long it holds now, where clients are told that.
    fn hint(&self, era: Era) -> Option<Hint> {
        (era == Era::Modern).then(|| self.holding.now())
    }

    /// The items, as clients see them.
    pub(crate) fn items(&self) -> &[Raw] {
        &self.items
    }

    /// The page from an item on, with the hint for modern clients.
    fn render(&self, from: usize, hint: Option<Hint>) -> Raw {
        let to = self
            .page_size
            .map_or(self.items.len(), |size| from.saturating_add(size).min(self.items.len()));
        let next = (to < self.items.len()).then(|| ("nextCursor", Raw::string(&self.cursor(to))));
        object_with_list(&head(hint), self.member, &self.items[from..to], next.as_slice())
    }

    fn cursor(&self, offset: usize) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{offset}", self.member))
    }

    fn offset(&self, cursor: &str) -> Result<usize, BadCursor> {
        let text = URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let (member, offset) = text.as_deref().and_then(|text| text.split_once(':')).ok_or(BadCursor)?;
        let offset: usize = offset.parse().map_err(|_| BadCursor)?;
        if member == self.member && self.page_size.is_some() {
            Ok(offset.min(self.items.len()))
        } else {
            Err(BadCursor)
        }
    }
}

/// What a modern result has besides the list (MCP 2026-07-28 "Results", "Caching"). Its scope is that of the parts,
/// because all modern clients see the same lists.
fn head(hint: Option<Hint>) -> Vec<(&'static str, Raw)> {
    let Some(hint) = hint else { return Vec::new() };
    vec![
        ("resultType", Raw::string("complete")),
        ("ttlMs", Raw::from_value(&hint.ttl_ms.into())),
        ("cacheScope", Raw::string(hint.scope())),
        ("_meta", object(&[(meta::SERVER_INFO, argus_upstream::own_info())])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HINT: Hint = Hint {
        ttl_ms: 9000,
        public: true,
    };

    fn listing(page_size: Option<usize>) -> Listing {
        let items = (0..5)
            .map(|n| Raw::parse(format!("{{\"n\": {n}.0}}")).unwrap())
            .collect();
        Listing::new("tools", items, page_size, Holding::said(HINT))
    }

    fn params(cursor: &str) -> Raw {
        Raw::from_value(&serde_json::json!({ "cursor": cursor }))
    }

    #[test]
    fn one_page_by_default_with_every_byte_kept() {
        let page = listing(None).page(None, Era::Legacy).unwrap();
        assert_eq!(
            page.as_str(),
            r#"{"tools":[{"n": 0.0},{"n": 1.0},{"n": 2.0},{"n": 3.0},{"n": 4.0}]}"#
        );
    }

    #[test]
    fn a_page_may_be_as_large_as_can_be() {
        let listing = listing(Some(usize::MAX));
        let last = listing.page(Some(&params(&listing.cursor(3))), Era::Legacy).unwrap();
        assert_eq!(last.as_str(), r#"{"tools":[{"n": 3.0},{"n": 4.0}]}"#);
    }

    #[test]
    fn pages_lead_to_the_end() {
        let listing = listing(Some(2));
        let mut at = None;
        let mut seen = 0;
        loop {
            let page: serde_json::Value = listing.page(at.as_ref(), Era::Legacy).unwrap().read().unwrap();
            seen += page["tools"].as_array().unwrap().len();
            match page["nextCursor"].as_str() {
                Some(next) => at = Some(params(next)),
                None => break,
            }
        }
        assert_eq!(seen, 5);
    }

    #[test]
    fn all_pages_have_the_same_hint() {
        let listing = listing(Some(3));
        for at in [None, Some(params(&listing.cursor(3)))] {
            let page: serde_json::Value = listing.page(at.as_ref(), Era::Modern).unwrap().read().unwrap();
            assert_eq!((&page["ttlMs"], &page["cacheScope"]), (&9000.into(), &"public".into()));
        }
    }

    #[test]
    fn foreign_cursors_are_refused() {
        assert!(listing(Some(2)).page(Some(&params("nonsense")), Era::Legacy).is_err());
        assert!(listing(None).page(Some(&params("dG9vbHM6Mg")), Era::Legacy).is_err());
        let prompts = Listing::new("prompts", vec![], Some(2), Holding::said(HINT)).cursor(0);
        assert!(listing(Some(2)).page(Some(&params(&prompts)), Era::Legacy).is_err());
    }
}
