//! An HTTP endpoint: all of `type: streamable-http`, and the most of `type: sse`.

use std::fmt;

use indexmap::IndexMap;
use secrecy::SecretString;
use url::Url;

use super::auth::{self, Auth};
use crate::decode::{Context, Field, Kind, Section, rules};

/// The `type` of an endpoint that speaks Streamable HTTP.
pub(super) const STREAMABLE_HTTP: &str = "streamable-http";

/// An HTTP endpoint.
#[derive(Clone)]
pub struct Remote {
    /// The endpoint: http or https, without user name, password and fragment.
    pub url: Url,
    /// Headers of every request, by their names as written.
    pub headers: IndexMap<String, SecretString>,
    /// Credentials of every request.
    pub auth: Option<Auth>,
}

const TYPE: Field = Field::new("type", Kind::Choice(&[STREAMABLE_HTTP]), "An HTTP endpoint.").required();
const URL: Field = Field::new(
    "url",
    Kind::Text(&rules::URL),
    "The address of the endpoint, http or https.",
)
.required()
.secret_address();
const HEADERS: Field = Field::new("headers", auth::HEADER_MAP, "Headers of every request.").secret();
const AUTH: Field = Field::new("auth", Kind::Variants(auth::VARIANTS), "Credentials of every request.");

/// The keys of `type: streamable-http`.
pub(super) const FIELDS: &[Field] = &[TYPE, URL, HEADERS, AUTH];
/// The keys of an endpoint of any type.
pub(super) const FIELDS_OF_ANY: &[Field] = &[URL, HEADERS, AUTH];

impl Remote {
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

/// The path and the query may carry a key, so they are not shown.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field(
                "url",
                &format_args!("\"{}/...\"", self.url.origin().ascii_serialization()),
            )
            .field("headers", &self.headers)
            .field("auth", &self.auth)
            .finish()
    }
}
