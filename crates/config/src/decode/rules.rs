//! What texts of the configuration must look like.

use url::{Host, Url};

use super::Rule;

/// Any text that a process or a header can carry.
pub(crate) const ANY: Rule = Rule {
    noun: "a text",
    check: no_nul,
    pattern: None,
};

/// A text with at least one character.
pub(crate) const NOT_EMPTY: Rule = Rule {
    noun: "a text with at least one character",
    check: not_empty,
    pattern: Some("^[^\\x00]+$"),
};

/// The name of a backend or a group.
pub(crate) const NAME: Rule = Rule {
    noun: "a name of 1 to 255 letters, digits, `_`, `.` and `-`",
    check: name,
    pattern: Some("^[A-Za-z0-9_.-]{1,255}$"),
};

/// The name under which a tool is exposed, as the protocol wants it.
pub(crate) const TOOL_NAME: Rule = Rule {
    noun: "a name of 1 to 128 letters, digits, `_`, `.` and `-`",
    check: tool_name,
    pattern: Some("^[A-Za-z0-9_.-]{1,128}$"),
};

/// What stands between a backend's name and a capability's name.
pub(crate) const SEPARATOR: Rule = Rule {
    noun: "1 to 16 characters of `_`, `.`, `-`, `/`, `:`, letters and digits",
    check: separator,
    pattern: Some("^[A-Za-z0-9_./:-]{1,16}$"),
};

/// What the gateway binds to.
pub(crate) const HOST: Rule = Rule {
    noun: "a host name or an IP address, for example `127.0.0.1`",
    check: host,
    pattern: None,
};

/// An entry of `allowed_hosts`.
pub(crate) const HOST_AND_PORT: Rule = Rule {
    noun: "a host name or an IP address, with or without a port",
    check: host_and_port,
    pattern: None,
};

/// An entry of `allowed_origins`.
pub(crate) const ORIGIN: Rule = Rule {
    noun: "an origin like `https://app.example.com:8443`, or `*` for any",
    check: origin,
    pattern: None,
};

/// The address of a remote backend.
pub(crate) const URL: Rule = Rule {
    noun: "an address like `https://mcp.example.com/mcp`",
    check: url,
    pattern: Some("^[hH][tT][tT][pP][sS]?://"),
};

/// The name of a variable for a process.
pub(crate) const VARIABLE: Rule = Rule {
    noun: "a variable name like `API_KEY`",
    check: variable,
    pattern: Some("^[^\\s=\\x00]+$"),
};

/// The name of an HTTP header that the reader may set.
pub(crate) const HEADER_NAME: Rule = Rule {
    noun: "a header name like `X-Api-Key`",
    check: header_name,
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
};

/// The value of an HTTP header.
pub(crate) const HEADER_VALUE: Rule = Rule {
    noun: "a header value of one line of printable characters",
    check: header_value,
    pattern: None,
};

/// What lets its holder manage the gateway; an empty one counts as none.
pub(crate) const MANAGEMENT_TOKEN: Rule = Rule {
    noun: "a token of at least 16 characters that nobody guesses, for example from `openssl rand -hex 32`",
    check: management_token,
    pattern: None,
};

/// A secret from which a key is made.
pub(crate) const SEAL_KEY: Rule = Rule {
    noun: "a secret of at least 32 characters",
    check: seal_key,
    pattern: None,
};

/// A glob over names.
pub(crate) const GLOB: Rule = Rule {
    noun: "a pattern like `read_*` or `{a,b}?`",
    check: glob,
    pattern: None,
};

/// Headers that the gateway sets itself, beside those of arguments.
const OWN_HEADERS: &[&str] = &[
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn no_nul(text: &str) -> Result<(), String> {
    ensure(!text.contains('\0'), "contains a NUL character")
}

fn not_empty(text: &str) -> Result<(), String> {
    ensure(!text.is_empty(), "is empty")?;
    no_nul(text)
}

fn name(text: &str) -> Result<(), String> {
    short_word(text, 255, b"_.-")
}

fn tool_name(text: &str) -> Result<(), String> {
    short_word(text, 128, b"_.-")
}

fn separator(text: &str) -> Result<(), String> {
    short_word(text, 16, b"_.-/:")
}

fn short_word(text: &str, longest: usize, others: &[u8]) -> Result<(), String> {
    ensure(!text.is_empty(), "is empty")?;
    ensure(text.trim() == text, "begins or ends with a space")?;
    ensure(text.len() <= longest, &format!("is longer than {longest} characters"))?;
    match text
        .chars()
        .find(|char| !char.is_ascii_alphanumeric() && !others.iter().any(|other| *char == char::from(*other)))
    {
        Some(_) => Err("contains a character that is not allowed".to_owned()),
        None => Ok(()),
    }
}

fn host(text: &str) -> Result<(), String> {
    ensure(!text.is_empty(), "is empty")?;
    ensure(!text.contains("://"), "is an address with a scheme")?;
    let bracketed = if text.contains(':') && !text.starts_with('[') {
        format!("[{text}]")
    } else {
        text.to_owned()
    };
    ensure(
        Host::parse(&bracketed).is_ok(),
        "is neither a host name nor an IP address",
    )
}

fn host_and_port(text: &str) -> Result<(), String> {
    ensure(!text.contains('*'), "does not work with `*`; name each host")?;
    let Some((before, port)) = text.rsplit_once(':') else {
        return host(text);
    };
    if before.contains(':') && !before.ends_with(']') {
        return host(text);
    }
    ensure(port.parse::<u16>().is_ok(), "ends with something that is no port")?;
    host(before)
}

fn origin(text: &str) -> Result<(), String> {
    if text == "*" || text == "null" {
        return Ok(());
    }
    let after_scheme = text.split_once("://").map(|(_, rest)| rest);
    ensure(after_scheme.is_some_and(|rest| !rest.is_empty()), "lacks its scheme")?;
    ensure(
        !after_scheme.is_some_and(|rest| rest.contains(['/', '?', '#', '@'])),
        "is more than an origin: no path, no query",
    )?;
    ensure(Url::parse(text).is_ok(), "is not a valid origin")
}

fn url(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| format!("is not a valid address: {error}"))?;
    ensure(
        matches!(url.scheme(), "http" | "https"),
        "must begin with http:// or https://",
    )?;
    ensure(
        url.username().is_empty() && url.password().is_none(),
        "carries a user name or password; send it as a header, under `headers`",
    )?;
    ensure(
        url.fragment().is_none(),
        "has a `#` part, which is never sent to a server",
    )
}

fn variable(text: &str) -> Result<(), String> {
    ensure(!text.is_empty(), "is empty")?;
    ensure(
        !text.contains(|char: char| char == '=' || char == '\0' || char.is_whitespace()),
        "contains a space or `=`",
    )
}

fn header_name(text: &str) -> Result<(), String> {
    ensure(
        http::HeaderName::from_bytes(text.as_bytes()).is_ok(),
        "is not a header name",
    )?;
    let lower = text.to_lowercase();
    ensure(
        !OWN_HEADERS.contains(&&*lower) && !lower.starts_with("mcp-param-"),
        "is a header that the gateway sets itself",
    )
}

fn seal_key(text: &str) -> Result<(), String> {
    if text.chars().count() < 32 {
        return Err("is too short for a secret; write at least 32 random characters".to_owned());
    }
    Ok(())
}

fn header_value(text: &str) -> Result<(), String> {
    ensure(
        http::HeaderValue::from_str(text).is_ok(),
        "contains a line break or a control character",
    )
}

/// The shortest token, in characters.
const SHORTEST_TOKEN: usize = 16;
/// What people write where a token is to be put in later.
const PLACEHOLDERS: &[&str] = &[
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "example",
    "password",
    "secret",
    "token",
    "admin",
    "test",
    "default",
    "your-",
    "your_",
    "insert",
    "replace",
    "xxxx",
    "1234",
    "todo",
];

fn management_token(text: &str) -> Result<(), String> {
    header_value(text)?;
    if text.is_empty() {
        return Ok(());
    }
    // What is around a header's value is no part of it, so nobody could ever show such a token.
    ensure(text.trim() == text, "begins or ends with a blank")?;
    ensure(
        text.chars().count() >= SHORTEST_TOKEN,
        &format!("is shorter than {SHORTEST_TOKEN} characters"),
    )?;
    let lower = text.to_ascii_lowercase();
    let first = lower.chars().next();
    ensure(
        !lower.chars().all(|char| Some(char) == first),
        "is one character over and over",
    )?;
    // A long random token may well contain such a word; what begins with one, or has little else, is no random token.
    let rest = PLACEHOLDERS
        .iter()
        .fold(lower.clone(), |rest, word| rest.replace(word, ""));
    let placeholder =
        PLACEHOLDERS.iter().any(|word| lower.starts_with(word)) || rest.chars().count() < SHORTEST_TOKEN / 2;
    ensure(!placeholder, "is a placeholder")
}

fn glob(text: &str) -> Result<(), String> {
    ensure(!text.is_empty(), "is empty")?;
    globset::Glob::new(text)
        .map(drop)
        .map_err(|error| format!("is not a valid pattern: {}", error.kind()))
}

fn ensure(holds: bool, objection: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(objection.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_nobody_can_show_is_refused() {
        let token = "3f6c1e8a97d24b05";
        assert_eq!(management_token(token), Ok(()));
        for around in [format!("{token} "), format!(" {token}"), format!("{token}\t")] {
            let error = management_token(&around).unwrap_err();
            assert!(!error.contains(token), "{error}");
        }
        assert_eq!(
            management_token(&format!("{token} ")).unwrap_err(),
            "begins or ends with a blank"
        );
    }

    #[test]
    fn hosts() {
        for good in [
            "127.0.0.1",
            "::1",
            "[::1]",
            "0.0.0.0",
            "localhost",
            "argus.example.com",
            "bücher.example",
        ] {
            assert_eq!(host(good), Ok(()), "{good}");
        }
        for bad in ["", "http://x", "a b", "x/y", "1.2.3.999", "::1::2"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hosts_with_ports() {
        for good in ["localhost", "localhost:80", "[::1]:9000", "::1", "10.0.0.1:65535"] {
            assert_eq!(host_and_port(good), Ok(()), "{good}");
        }
        for bad in ["", "*", "x:http", "x:70000", "https://x"] {
            assert!(host_and_port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins() {
        for good in [
            "*",
            "null",
            "https://a.example",
            "http://localhost:3000",
            "vscode-webview://abc",
            "http://[::1]:1",
        ] {
            assert_eq!(origin(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "a.example",
            "https://",
            "https://a.example/",
            "https://a.example/x",
            "https://u@a.example",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tokens_that_can_be_guessed() {
        for good in [
            "",
            "d41d8cd98f00b204e9800998ecf8427e",
            "correct horse battery staple",
            "9f-secret-31b7a8e1c4d0",
        ] {
            assert_eq!(management_token(good), Ok(()), "{good}");
        }
        for bad in [
            "short",
            "0123456789abcde",
            "changeme-changeme",
            "my-secret-token-admin",
            "aaaaaaaaaaaaaaaaaaaa",
            "your-token-goes-here-1",
            "PASSWORD12345678",
            "two\nlines-9f31b7a8e1c4d0",
        ] {
            assert!(management_token(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn urls() {
        for good in ["http://127.0.0.1:8080/mcp", "HTTPS://mcp.example.com/mcp?x=1"] {
            assert_eq!(url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "mcp.example.com",
            "ftp://x/y",
            "http://u:p@x/",
            "http://x/#y",
            "http://",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers() {
        assert_eq!(header_name("X-Api-Key"), Ok(()));
        assert!(header_name("X Api").is_err());
        assert!(header_name("Mcp-Session-Id").is_err());
        assert!(header_name("Mcp-Param-Region").is_err());
        assert_eq!(header_value("Bearer ü"), Ok(()));
        assert!(header_value("a\r\nb").is_err());
    }
}
