//! How a backend is reached, for an operator: without secrets.

use argus_config::{Auth, Backend, Process, Remote};

use crate::http::shown;
use crate::redact::{REDACTED, Redactor};

/// Words in the name of an argument whose value is not for everybody.
const SECRETIVE: [&str; 8] = [
    "token",
    "secret",
    "password",
    "passwd",
    "key",
    "credential",
    "auth",
    "bearer",
];
/// The same, where they are words of their own: they are parts of harmless ones, such as `path`.
const SECRETIVE_WORDS: [&str; 3] = ["pat", "pwd", "pass"];

/// How a backend is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The program of its process.
    pub command: Option<String>,
    /// Its arguments; what looks like a secret is blacked out.
    pub args: Vec<String>,
    /// The folder that it runs in.
    pub cwd: Option<String>,
    /// The names of the variables that are set for it.
    pub env: Vec<String>,
    /// The origin of its url.
    pub url: Option<String>,
    /// The names of the headers that are sent.
    pub headers: Vec<String>,
}

impl Reach {
    /// How a backend is reached.
    #[must_use]
    pub fn of(definition: &Backend) -> Self {
        let redactor = Redactor::new(definition);
        let mut reach = Self::default();
        if let Some(process) = definition.transport.process() {
            reach.start(process, &redactor);
        }
        if let Some(remote) = definition.transport.remote() {
            reach.go(remote, &redactor);
        }
        reach
    }

    fn start(&mut self, process: &Process, redactor: &Redactor) {
        self.command = Some(redactor.clean(&process.command).into_owned());
        self.args = arguments(&process.masked_args(REDACTED), redactor);
        self.cwd = process.cwd.as_ref().map(|cwd| cwd.display().to_string());
        self.env = process.env.keys().cloned().collect();
    }

    fn go(&mut self, remote: &Remote, redactor: &Redactor) {
        self.url = Some(redactor.clean(&shown(&remote.url)).into_owned());
        let of_auth = remote.auth.iter().flat_map(|Auth::Static { headers }| headers.keys());
        self.headers = remote.headers.keys().chain(of_auth).cloned().collect();
    }
}

/// Arguments as they may be shown: without configured secrets, and without what follows a name such as `--api-key`. Of a
/// url with a user, a password or a query only the beginning is left.
fn arguments(args: &[String], redactor: &Redactor) -> Vec<String> {
    let mut shown = Vec::with_capacity(args.len());
    let mut hide_next = false;
    for arg in args {
        let is_name = arg.starts_with('-');
        if std::mem::take(&mut hide_next) && !is_name {
            shown.push(REDACTED.to_owned());
            continue;
        }
        let clean = redactor.clean(arg);
        hide_next = is_name && !clean.contains(['=', ':']) && is_secretive(&clean);
        shown.push(argument(&clean));
    }
    shown
}

/// One of them; what follows `--env=` may be a name with a value, too.
fn argument(text: &str) -> String {
    match text.split_at(text.find(['=', ':']).unwrap_or(text.len())) {
        (_, "") => text.to_owned(),
        (name, value) if is_secretive(name) => format!("{name}{}{REDACTED}", &value[..1]),
        (name, value) if value.starts_with('=') => format!("{name}={}", argument(&value[1..])),
        _ => without_credentials(text),
    }
}

fn is_secretive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    SECRETIVE.iter().any(|word| name.contains(word)) || words.any(|word| SECRETIVE_WORDS.contains(&word))
}

/// A url without what may be secret in it; anything else as it is. Of one with a user, a password or a query only the
/// beginning is left.
fn without_credentials(value: &str) -> String {
    match url::Url::parse(value) {
        Ok(url)
            if url.has_host() && (!url.username().is_empty() || url.password().is_some() || url.query().is_some()) =>
        {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
        }
        Ok(url) if url.has_host() => argus_config::shown_address(value),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;

    fn defined(backend: &str, environment: &[(&str, &str)]) -> Arc<Backend> {
        let text = format!("backends: {{a: {backend}}}");
        let lookup = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let loaded = argus_config::check("test", &text, Path::new("/"), &lookup, argus_config::Mode::Check).unwrap();
        let entry = loaded.config.backends.into_iter().next().unwrap();
        entry.definition.unwrap()
    }

    #[test]
    fn what_variables_gave_is_not_shown() {
        let args = "['--pat', '${MY_PAT}', '${POSITIONAL}', '-p', '${MY_PAT}', '--header', 'X-Api: ${POSITIONAL}', \
                    '/data/${NOT_SET:-some-default}/x', '$${POSITIONAL}', '--level=${LEVEL}.${LEVEL}', plain]";
        let variables = [("MY_PAT", "ghp_abcdef"), ("POSITIONAL", "position-1"), ("LEVEL", "3")];
        let definition = defined(&format!("{{type: stdio, command: x, args: {args}}}"), &variables);
        assert_eq!(
            Reach::of(&definition).args,
            [
                "--pat",
                "***REDACTED***",
                "***REDACTED***",
                "-p",
                "***REDACTED***",
                "--header",
                "X-Api: ***REDACTED***",
                "/data/some-default/x",
                "${POSITIONAL}",
                "--level=***REDACTED***.***REDACTED***",
                "plain",
            ]
        );
        let redactor = Redactor::new(&definition);
        let said = redactor.clean("ghp_abcdef is refused at level 3");
        assert_eq!(said, "***REDACTED*** is refused at level 3");
    }

    #[test]
    fn short_names_of_secrets_are_words_of_their_own() {
        for name in ["--pat", "GITHUB_PAT", "--db-pwd", "--pass", "--password"] {
            assert!(is_secretive(name), "{name}");
        }
        for name in ["--path", "--patch", "--compass", "PYTHONPATH"] {
            assert!(!is_secretive(name), "{name}");
        }
    }

    #[test]
    fn arguments_are_shown_without_secrets() {
        let args = [
            "-y",
            "server@1.0",
            "--api-key",
            "sk-1",
            "--token=t-2",
            "--token",
            "--verbose",
            "ACCESS_TOKEN=t-3",
            "postgres://me:pw-4@db/x?sslkey=5",
            "--url=https://h/p?sig=6",
            "--env=GITHUB_TOKEN=ghp-8",
            "--header=Authorization: Bearer sk-9",
            "a=b",
            "https://h/mcp",
            "https://h/mcp/k3y",
            "Authorization: Bearer 7",
        ]
        .map(str::to_owned);
        assert_eq!(
            arguments(&args, &Redactor::default()),
            [
                "-y",
                "server@1.0",
                "--api-key",
                "***REDACTED***",
                "--token=***REDACTED***",
                "--token",
                "--verbose",
                "ACCESS_TOKEN=***REDACTED***",
                "postgres://db",
                "--url=https://h",
                "--env=GITHUB_TOKEN=***REDACTED***",
                "--header=Authorization:***REDACTED***",
                "a=b",
                "https://h/mcp",
                "https://h/mcp/***",
                "Authorization:***REDACTED***",
            ]
        );
    }
}
