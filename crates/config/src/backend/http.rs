//! `type: streamable-http`: an HTTP endpoint.

use std::fmt;

use indexmap::IndexMap;
use secrecy::SecretString;
use url::Url;

use super::auth::{self, Auth};
use crate::decode::{Context, Field, Kind, Section, rules};

/// The value of `type`.
pub(super) const TYPE: &str = "streamable-http";

/// An HTTP endpoint that speaks Streamable HTTP.
#[derive(Clone)]
pub struct StreamableHttp {
    /// The endpoint: http or https, without user name, password and fragment.
    pub url: Url,
    /// Headers of every request, by their names as written.
    pub headers: IndexMap<String, SecretString>,
    /// Credentials of every request.
    pub auth: Option<Auth>,
}

const TYPE_FIELD: Field = Field::new("type", Kind::Choice(&[TYPE]), "An HTTP endpoint.").required();
const URL: Field = Field::new(
    "url",
    Kind::Text(&rules::URL),
    "The address of the endpoint, http or https.",
)
.required();
const HEADERS: Field = Field::new("headers", auth::HEADER_MAP, "Headers of every request.");
const AUTH: Field = Field::new("auth", Kind::Variants(auth::VARIANTS), "Credentials of every request.");

pub(super) const FIELDS: &[Field] = &[TYPE_FIELD, URL, HEADERS, AUTH];

impl StreamableHttp {
    /// `None` after a report, or when a variable in the address is unset.
    pub(super) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let url = section.maybe_text(&URL, cx);
        let headers = auth::headers(section, &HEADERS, cx);
        let auth = section
            .variant(&AUTH, cx)
            .map(|(_, auth)| Auth::read(&auth, &headers, cx));
        Some(Self {
            url: Url::parse(&url?).ok()?,
            headers,
            auth,
        })
    }
}

/// The query may carry a key, so it is not shown.
impl fmt::Debug for StreamableHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.url.clone();
        if shown.query().is_some() {
            shown.set_query(Some("..."));
        }
        f.debug_struct("StreamableHttp")
            .field("url", &shown.as_str())
            .field("headers", &self.headers)
            .field("auth", &self.auth)
            .finish()
    }
}
