//! Where a gateway is.

use std::fmt::{self, Display};
use std::str::FromStr;

use url::Url;

/// What people copy behind the address: the endpoints of the gateway.
const ENDPOINTS: [&str; 3] = ["/mcp", "/sse", "/messages"];
/// What stands before each operation.
const PREFIX: &str = "/manage/v1";

/// Where a gateway is. Written like `http://127.0.0.1:9000`; the path of one of its endpoints may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

/// What is wrong with an address. Its own words are not repeated: it may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no URL of HTTP.
    #[error("the address of a gateway must be like http://127.0.0.1:9000 or https://host")]
    NoHttp,
    /// It has credentials.
    #[error("the address of a gateway takes no user name and no password; the token goes into ARGUS_MGMT_TOKEN")]
    Credentials,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let url = match text.contains("://") {
            true => Url::parse(text),
            false => Url::parse(&format!("http://{text}")),
        };
        let mut url = url.map_err(|_| AddressError::NoHttp)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(AddressError::NoHttp);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = base(url.path()).to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

/// A path without that of an endpoint; what a proxy put before it stays.
fn base(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    let managed = path.find(PREFIX).filter(|at| {
        let rest = &path[at + PREFIX.len()..];
        rest.is_empty() || rest.starts_with('/')
    });
    if let Some(at) = managed {
        return path[..at].trim_end_matches('/');
    }
    let endpoint = ENDPOINTS.iter().find_map(|endpoint| path.strip_suffix(endpoint));
    endpoint.unwrap_or(path).trim_end_matches('/')
}

impl Address {
    /// Whether it is reached with TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The address of an operation.
    pub(crate) fn operation<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.0.clone();
        // It has a host, so this does not fail.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["manage", "v1"]).extend(segments);
        }
        url
    }
}

impl Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_copy_is_understood() {
        for (text, shown) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
            ("http://127.0.0.1:9000/mcp/", "http://127.0.0.1:9000"),
            (" localhost:9000/sse ", "http://localhost:9000"),
            ("127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("[::1]:9000", "http://[::1]:9000"),
            ("https://example.com/argus/mcp", "https://example.com/argus"),
            (
                "https://example.com/argus/manage/v1/status?x=1#y",
                "https://example.com/argus",
            ),
            ("https://example.com/manage/v10", "https://example.com/manage/v10"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for wrong in ["", "ftp://s3cret/", "unix:///s3cret", "http://", "http://me:s3cret@a/"] {
            let error = wrong.parse::<Address>().unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn names_stay_one_segment() {
        let address: Address = "https://example.com/argus".parse().unwrap();
        let url = address.operation(["backends", "a/b c?", "logs"]);
        assert_eq!(
            url.as_str(),
            "https://example.com/argus/manage/v1/backends/a%2Fb%20c%3F/logs"
        );
    }
}
