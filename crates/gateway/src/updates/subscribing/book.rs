//! How the resources stand with a backend on one link, and what it has to be told next.

use std::collections::{BTreeSet, HashMap, VecDeque};

use argus_protocol::ByteString;

/// What a backend is told of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    Subscribe,
    Unsubscribe,
}

/// How a resource stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is to be subscribed to.
    Queued,
    Asking,
    Taken,
    Refused,
    /// No answer came: it is asked for again later.
    Failed,
    /// The subscription is to be ended, or is being ended.
    Leaving,
}

/// All resources that the backend was asked for, or is to be. At most one request about each is under way.
#[derive(Debug, Default)]
pub(super) struct Book {
    standings: HashMap<ByteString, Standing>,
    /// What comes next; what does not fit the standing any more is passed over.
    queue: VecDeque<(Request, ByteString)>,
}

impl Book {
    /// These resources are wanted, and no others. What failed is asked for `again` then, after what never was.
    pub(super) fn want(&mut self, uris: &BTreeSet<ByteString>, again: bool) {
        let known = self.standings.len();
        let queue = &mut self.queue;
        self.standings.retain(|uri, standing| {
            if uris.contains(uri) {
                return true;
            }
            if *standing == Standing::Taken {
                *standing = Standing::Leaving;
                queue.push_back((Request::Unsubscribe, uri.clone()));
            }
            // The others have no request under way.
            matches!(standing, Standing::Asking | Standing::Leaving)
        });
        if self.standings.len() < known {
            // A backend that does not answer takes nothing out of the queue.
            let standings = &self.standings;
            queue.retain(|(_, uri)| standings.contains_key(uri));
        }
        let mut fresh = Vec::new();
        for uri in uris {
            match self.standings.get(uri) {
                None => fresh.push(uri.clone()),
                Some(Standing::Failed) if again => self.queue(uri),
                Some(_) => {}
            }
        }
        for uri in fresh.into_iter().rev() {
            self.standings.insert(uri.clone(), Standing::Queued);
            self.queue.push_front((Request::Subscribe, uri));
        }
    }

    fn queue(&mut self, uri: &ByteString) {
        self.standings.insert(uri.clone(), Standing::Queued);
        self.queue.push_back((Request::Subscribe, uri.clone()));
    }

    /// What the backend is told next.
    pub(super) fn next(&mut self) -> Option<(Request, ByteString)> {
        while let Some((request, uri)) = self.queue.pop_front() {
            match (request, self.standings.get_mut(&uri)) {
                (Request::Subscribe, Some(standing)) if *standing == Standing::Queued => {
                    *standing = Standing::Asking;
                    return Some((request, uri));
                }
                (Request::Unsubscribe, Some(Standing::Leaving)) => return Some((request, uri)),
                _ => {}
            }
        }
        None
    }

    /// The backend has taken a subscription, which may not be wanted any more.
    pub(super) fn taken(&mut self, uri: &ByteString, wanted: bool) {
        let standing = match wanted {
            true => Standing::Taken,
            false => {
                self.queue.push_back((Request::Unsubscribe, uri.clone()));
                Standing::Leaving
            }
        };
        self.standings.insert(uri.clone(), standing);
    }

    /// The backend offers no updates of it.
    pub(super) fn refused(&mut self, uri: &ByteString, wanted: bool) {
        self.note(uri, wanted, Standing::Refused);
    }

    /// No answer came.
    pub(super) fn failed(&mut self, uri: &ByteString, wanted: bool) {
        self.note(uri, wanted, Standing::Failed);
    }

    fn note(&mut self, uri: &ByteString, wanted: bool, standing: Standing) {
        match wanted {
            true => self.standings.insert(uri.clone(), standing),
            false => self.standings.remove(uri),
        };
    }

    /// A subscription has ended, which may be wanted again.
    pub(super) fn ended(&mut self, uri: &ByteString, wanted: bool) {
        self.standings.remove(uri);
        if wanted {
            self.queue(uri);
        }
    }

    /// The resources that the backend tells the updates of.
    pub(super) fn heard(&self) -> impl Iterator<Item = &ByteString> {
        self.which(|standing| standing == Standing::Taken)
    }

    /// Whether there are any.
    pub(super) fn hears(&self) -> bool {
        self.heard().next().is_some()
    }

    /// The resources that the backend has not answered for yet.
    pub(super) fn open(&self) -> impl Iterator<Item = &ByteString> {
        self.which(|standing| matches!(standing, Standing::Queued | Standing::Asking | Standing::Leaving))
    }

    fn which(&self, fits: impl Fn(Standing) -> bool) -> impl Iterator<Item = &ByteString> {
        let fitting = move |(uri, standing): (_, &Standing)| fits(*standing).then_some(uri);
        self.standings.iter().filter_map(fitting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Request::{Subscribe, Unsubscribe};

    fn uri(name: &str) -> ByteString {
        ByteString::from(name.to_owned())
    }

    fn want(book: &mut Book, uris: &[&str]) {
        book.want(&uris.iter().map(|name| uri(name)).collect(), true);
    }

    fn next(book: &mut Book) -> Vec<(Request, String)> {
        std::iter::from_fn(|| book.next())
            .map(|(request, uri)| (request, uri.to_string()))
            .collect()
    }

    fn of(request: Request, uris: &[&str]) -> Vec<(Request, String)> {
        uris.iter().map(|uri| (request, (*uri).to_owned())).collect()
    }

    #[test]
    fn each_is_asked_for_once_and_ended_once() {
        let mut book = Book::default();
        want(&mut book, &["a", "b", "c"]);
        want(&mut book, &["a", "b", "c"]);
        assert_eq!(next(&mut book), of(Subscribe, &["a", "b", "c"]));
        assert_eq!((book.open().count(), book.hears()), (3, false));
        book.taken(&uri("a"), true);
        book.refused(&uri("b"), true);
        assert_eq!((book.open().count(), book.heard().count()), (1, 1));
        want(&mut book, &["b", "c"]);
        assert_eq!(next(&mut book), of(Unsubscribe, &["a"]));
        want(&mut book, &["a", "b", "c"]);
        assert!(
            next(&mut book).is_empty(),
            "two requests about one resource are under way"
        );
        book.ended(&uri("a"), true);
        assert_eq!(next(&mut book), of(Subscribe, &["a"]));
    }

    #[test]
    fn what_is_not_wanted_any_more_when_it_is_answered_is_ended() {
        let mut book = Book::default();
        want(&mut book, &["a", "b", "c"]);
        next(&mut book);
        want(&mut book, &[]);
        book.taken(&uri("a"), false);
        book.refused(&uri("b"), false);
        book.failed(&uri("c"), false);
        assert_eq!(next(&mut book), of(Unsubscribe, &["a"]));
        book.ended(&uri("a"), false);
        assert!(book.standings.is_empty() && book.queue.is_empty());
        want(&mut book, &["d"]);
        want(&mut book, &[]);
        assert!(next(&mut book).is_empty(), "it was never asked for");
    }

    #[test]
    fn what_is_not_wanted_any_more_does_not_wait_at_a_backend_that_does_not_answer() {
        let mut book = Book::default();
        want(&mut book, &["stays", "asked"]);
        book.next();
        for round in 0..100 {
            let fresh = format!("fresh{round}");
            want(&mut book, &["stays", &fresh, "now and then"]);
            want(&mut book, &["stays", &fresh]);
        }
        assert_eq!((book.queue.len(), book.standings.len()), (2, 3));
        assert_eq!(next(&mut book), of(Subscribe, &["fresh99", "stays"]));
    }

    #[test]
    fn what_failed_comes_after_what_is_new() {
        let mut book = Book::default();
        want(&mut book, &["a", "b"]);
        next(&mut book);
        book.failed(&uri("a"), true);
        book.want(&BTreeSet::from([uri("a"), uri("b")]), false);
        assert!(next(&mut book).is_empty(), "it is not asked for again yet");
        want(&mut book, &["a", "b", "c"]);
        assert_eq!(next(&mut book), of(Subscribe, &["c", "a"]));
    }
}
