//! The environment every server starts with.

use std::ffi::{OsStr, OsString};

/// Variables that pass from the gateway to its servers. Each says where things are or how to speak; none is a place
/// where people put secrets. Everything else has to be configured.
const SAFE: &[&str] = &[
    // Where programs are found.
    "PATH",
    // Who runs this, and where their files are: npx, uvx and git look here.
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    // How to write text, times and colours. (`LC_*` passes as well.)
    "LANG",
    "LANGUAGE",
    "TERM",
    "TZ",
    // Which certificate authorities to trust: OpenSSL, node, pip, python requests, curl.
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    // Hosts that are reached without a proxy.
    "NO_PROXY",
    "no_proxy",
];

/// Proxies pass, for a server that installs itself needs them, unless their address carries a name and password.
const PROXIES: &[&str] = &[
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// The part of the parent's environment that any server may see, in the parent's order.
///
/// These pass: `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL`, `TMPDIR`, the XDG base folders, `LANG`, `LANGUAGE`, `LC_*`,
/// `TERM`, `TZ`, the usual names of certificate files and folders, `NO_PROXY`, and the proxy variables whose value has
/// no `@` (thus no credentials).
#[must_use]
pub fn safe_base(parent: impl Iterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
    parent.filter(|(name, value)| is_safe(name, value)).collect()
}

fn is_safe(name: &OsStr, value: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let carries_credentials = value.as_encoded_bytes().contains(&b'@');
    SAFE.contains(&name) || name.starts_with("LC_") || (PROXIES.contains(&name) && !carries_credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_places_and_no_secrets() {
        let parent = [
            ("PATH", "/bin"),
            ("LC_TIME", "C"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("ARGUS_TOKEN", "s"),
            ("HTTPS_PROXY", "http://proxy:3128"),
            ("HTTP_PROXY", "http://me:s@proxy:3128"),
            ("LD_PRELOAD", "/x.so"),
            ("PATHS", "/x"),
        ];
        let base = safe_base(parent.iter().map(|(name, value)| (name.into(), value.into())));
        let names: Vec<_> = base.iter().filter_map(|(name, _)| name.to_str()).collect();
        assert_eq!(names, ["PATH", "LC_TIME", "HTTPS_PROXY"]);
    }
}
