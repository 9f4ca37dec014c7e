//! What a backend writes where messages are to be, and is none: told as it is what a backend says for people, but less
//! of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::Mouth;
use super::quota::Quota;
use super::text::harmless;
use crate::redact::Redactor;

/// So much of a line is looked at.
const LOOKED_AT: usize = 8 << 10;
/// So many characters of it are shown.
const SHOWN: usize = 200;

/// Bounds what one connection's junk costs.
#[derive(Debug)]
pub(crate) struct JunkLog(Mutex<Quota>);

/// What is to be done about a line of junk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Junk {
    /// It is told; this is its text, without secrets and harmless on a terminal.
    Told(String),
    /// It is left out, as the ones after it are until then: [`JunkLog::tell_left_out`] is to be called at this time.
    FirstLeftOut(Instant),
    /// It is left out.
    LeftOut,
}

impl Default for JunkLog {
    fn default() -> Self {
        Self(Mutex::new(Quota::of_junk()))
    }
}

impl JunkLog {
    /// Takes a line; `mouth` keeps it where it is a process that speaks.
    pub(crate) fn take(&self, line: &[u8], redactor: &Redactor, mouth: Option<Mouth<'_>>) -> Junk {
        {
            let mut quota = self.quota();
            let begins = quota.tell_at().is_none();
            // What it is does not matter for how much of it there is.
            if !quota.admits(line.len().min(SHOWN)) {
                return match quota.tell_at().filter(|_| begins) {
                    Some(at) => Junk::FirstLeftOut(at),
                    None => Junk::LeftOut,
                };
            }
        }
        let text = shown(line, redactor);
        if let Some(mouth) = mouth {
            mouth.say(format!("stdout: {text}"));
        }
        Junk::Told(text)
    }

    /// Tells how many lines were left out, and gives their number; from now on there is room again.
    pub(crate) fn tell_left_out(&self, mouth: Option<Mouth<'_>>) -> Option<u64> {
        let (count, _) = self.quota().take()?;
        if let Some(mouth) = mouth {
            mouth.say(format!(
                "[{count} lines of stdout were left out here: too many in a short time]"
            ));
        }
        Some(count)
    }

    fn quota(&self) -> MutexGuard<'_, Quota> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The beginning of a line. It is cleaned before it is cut to what is shown, so that no cut goes through a secret.
fn shown(line: &[u8], redactor: &Redactor) -> String {
    let cut = line.len() > LOOKED_AT;
    let mut text = String::from_utf8_lossy(&line[..line.len().min(LOOKED_AT)]).into_owned();
    if cut {
        // The cut may have gone through a letter.
        text.truncate(text.trim_end_matches('\u{fffd}').len());
        text.push('…');
    }
    let mut text = harmless(&redactor.clean(&text));
    if let Some((end, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::logs::Log;

    fn redactor() -> Redactor {
        Redactor::of(std::iter::once("s3cret-väl-123456".into()))
    }

    #[test]
    fn no_cut_goes_through_a_secret_and_nothing_steers_a_terminal() {
        let secret = "s3cret-väl-123456";
        for before in (150..SHOWN + 5).chain(LOOKED_AT - 30..LOOKED_AT + 5) {
            let line = format!("{}{secret} and more", "x".repeat(before));
            let shown = shown(line.as_bytes(), &redactor());
            assert!(!shown.contains("s3cret"), "{before}: {shown}");
            assert!(shown.chars().count() <= SHOWN + 1);
        }
        assert_eq!(
            shown("\u{1b}[31m a\r\u{7}\u{202e}b".as_bytes(), &redactor()),
            "\\u{1b}[31m a\\u{d}\\u{7}\\u{202e}b"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_does_not_drive_out_what_was_said_and_is_counted() {
        let (log, redactor, junk) = (Log::default(), redactor(), JunkLog::default());
        let mouth = Mouth {
            backend: "b",
            pid: 7,
            redactor: &redactor,
            log: &log,
        };
        mouth.say("important".to_owned());
        let mut first_left_out = Vec::new();
        let mut told = 0;
        for _ in 0..5000 {
            match junk.take(b"junk", &redactor, Some(mouth)) {
                Junk::Told(text) => {
                    assert_eq!(text, "junk");
                    told += 1;
                }
                Junk::FirstLeftOut(at) => first_left_out.push(at),
                Junk::LeftOut => {}
            }
        }
        assert_eq!((told, first_left_out.len()), (100, 1));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(first_left_out[0] <= Instant::now());
        assert_eq!(junk.tell_left_out(Some(mouth)), Some(4900));
        assert_eq!(junk.tell_left_out(Some(mouth)), None);
        let lines = log.newest(usize::MAX).lines;
        assert_eq!(
            (lines.len(), &*lines[0].text, &*lines[1].text),
            (102, "important", "stdout: junk")
        );
        assert_eq!(
            lines[101].text,
            "[4900 lines of stdout were left out here: too many in a short time]"
        );
        assert!(matches!(junk.take(b"junk", &redactor, None), Junk::Told(_)));
    }
}
