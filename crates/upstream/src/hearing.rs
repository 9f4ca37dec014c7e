//! Whether the changes of a backend's lists are heard of: a backend that declares to announce them does so on a stream,
//! which may not stand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use argus_protocol::{Object, Raw};
use tokio::sync::watch;
use tokio::time::Instant;

/// Which lists change together, as far as their announcements go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// `tools/list`.
    Tools,
    /// `resources/list` and `resources/templates/list`.
    Resources,
    /// `prompts/list`.
    Prompts,
}

impl ListKind {
    /// The capability that declares that changes are announced, and the member of a filter that asks for that.
    pub(crate) const ALL: [(Self, &str, &str); 3] = [
        (Self::Tools, "tools", "toolsListChanged"),
        (Self::Resources, "resources", "resourcesListChanged"),
        (Self::Prompts, "prompts", "promptsListChanged"),
    ];
}

/// What is heard of at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Heard {
    /// By [`ListKind`].
    lists: [bool; 3],
    /// The number of the stream.
    stream: u64,
    /// Whether it was found out if a stream can be had.
    tried: bool,
}

impl Heard {
    pub(crate) fn hears(self, kind: ListKind) -> bool {
        self.lists[kind as usize]
    }
}

/// The ear of one link.
#[derive(Debug)]
pub(crate) struct Hearing {
    now: watch::Sender<Heard>,
    /// Whether the backend declares that it announces changes of any list.
    announces: bool,
    /// Whether its lists were asked for.
    asked: AtomicBool,
    /// When the link was made.
    made: Instant,
}

impl Hearing {
    /// Of a link that needs a stream for this, which does not stand yet.
    pub(crate) fn by_stream(announces: bool) -> Self {
        Self {
            now: watch::Sender::new(Heard::default()),
            announces,
            asked: AtomicBool::new(false),
            made: Instant::now(),
        }
    }

    /// Of a link that hears everything as long as it lives.
    pub(crate) fn as_it_is() -> Self {
        let hearing = Self::by_stream(true);
        hearing.stands([true; 3]);
        hearing
    }

    pub(crate) fn now(&self) -> Heard {
        *self.now.borrow()
    }

    pub(crate) fn made(&self) -> Instant {
        self.made
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Heard> {
        self.now.subscribe()
    }

    /// The lists are asked for from now on.
    pub(crate) fn lists_asked(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// A stream stands, on which changes of these lists are announced. Whether some may have gone unheard since the lists
    /// were asked for.
    pub(crate) fn stands(&self, lists: [bool; 3]) -> bool {
        self.now.send_modify(|now| {
            *now = Heard {
                lists,
                stream: now.stream + 1,
                tried: true,
            };
        });
        self.announces && self.asked.load(Ordering::SeqCst)
    }

    /// No stream stands: it broke, or was refused.
    pub(crate) fn breaks(&self) {
        self.now.send_if_modified(|now| {
            let before = *now;
            (now.lists, now.tried) = ([false; 3], true);
            *now != before
        });
    }

    /// Waits until it is known whether a stream can be had, where one is needed, but not longer than `limit`.
    pub(crate) async fn settled(&self, limit: Duration) {
        if self.announces {
            let mut now = self.watch();
            let _ = tokio::time::timeout(limit, now.wait_for(|now| now.tried)).await;
        }
    }
}

/// The lists that an acknowledgement of `subscriptions/listen` names (MCP 2026-07-28 "Subscriptions").
pub(crate) fn granted(params: Option<&Raw>) -> [bool; 3] {
    let granted = params
        .and_then(|params| Object::parse(params).ok())
        .and_then(|params| params.get_object("notifications"));
    ListKind::ALL.map(|(_, _, member)| {
        let named = granted.as_ref().and_then(|granted| granted.get(member));
        named.is_some_and(|raw| raw.as_str() == "true")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_heard() {
        let of = |text: &str| granted(Some(&Raw::parse(text.to_owned()).unwrap()));
        let named = of(r#"{"notifications":{"toolsListChanged":true,"promptsListChanged":false}}"#);
        assert_eq!(named, [true, false, false]);
        for nothing in ["{}", r#"{"notifications":5}"#, "[]"] {
            assert_eq!(of(nothing), [false; 3], "{nothing}");
        }
        assert_eq!(granted(None), [false; 3]);
    }

    #[test]
    fn changes_may_go_unheard_between_the_question_and_the_stream() {
        let hearing = Hearing::by_stream(true);
        assert!(!hearing.stands([true; 3]), "nothing was asked for yet");
        hearing.lists_asked();
        hearing.breaks();
        assert!(hearing.stands([true; 3]));
        let silent = Hearing::by_stream(false);
        silent.lists_asked();
        assert!(!silent.stands([false; 3]), "there is nothing to be heard");
    }
}
