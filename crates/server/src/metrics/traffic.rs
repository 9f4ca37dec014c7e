//! What goes over the port: requests by face and status, and bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;

/// Who answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    Mcp,
    Sse,
    Manage,
    Metrics,
    /// Nobody, in most cases.
    Other,
}

impl Face {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Mcp, "mcp"),
        (Self::Sse, "sse"),
        (Self::Manage, "manage"),
        (Self::Metrics, "metrics"),
        (Self::Other, "other"),
    ];

    /// The face of a path.
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/mcp" | "/mcp/" => Self::Mcp,
            "/sse" | "/sse/" | "/messages" | "/messages/" => Self::Sse,
            "/metrics" => Self::Metrics,
            path if path.starts_with("/manage/") => Self::Manage,
            _ => Self::Other,
        }
    }
}

/// The classes of status; `none` is for requests whose client went away before.
const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// What went over the port so far. Counting takes no lock.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    requests: [[AtomicU64; CLASSES.len()]; Face::ALL.len()],
    received: AtomicU64,
    sent: AtomicU64,
}

impl Traffic {
    /// A request is to be answered.
    pub(crate) fn request(self: &Arc<Self>, face: Face) -> Answering {
        Answering {
            traffic: Arc::clone(self),
            face,
            class: 0,
        }
    }

    pub(crate) fn receive(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn send(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The requests by face and class, where there were any.
    pub(super) fn requests(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let of_face = |(face, word): (Face, &'static str)| {
            let counts = CLASSES.into_iter().zip(&self.requests[face as usize]);
            counts.map(move |(class, count)| (word, class, count.load(Ordering::Relaxed)))
        };
        let all = Face::ALL.into_iter().flat_map(of_face);
        all.filter(|(_, _, count)| *count > 0)
    }
}

/// A request that is to be answered. It counts when it is dropped.
pub(crate) struct Answering {
    traffic: Arc<Traffic>,
    face: Face,
    class: usize,
}

impl Answering {
    /// It is answered with this status.
    pub(crate) fn with(mut self, status: StatusCode) {
        self.class = usize::from(status.as_u16() / 100);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let [.., last] = &self.traffic.requests[self.face as usize];
        let count = self.traffic.requests[self.face as usize]
            .get(self.class)
            .unwrap_or(last);
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_face_is_at_its_place() {
        for (place, (face, _)) in Face::ALL.into_iter().enumerate() {
            assert_eq!(face as usize, place);
        }
    }

    #[test]
    fn requests_count_once_with_their_status_or_none() {
        let traffic = Arc::new(Traffic::default());
        traffic.request(Face::of("/mcp")).with(StatusCode::OK);
        traffic.request(Face::of("/mcp")).with(StatusCode::ACCEPTED);
        traffic.request(Face::of("/manage/v1/x")).with(StatusCode::NOT_FOUND);
        traffic
            .request(Face::of("/metrics/x"))
            .with(StatusCode::from_u16(999).unwrap());
        drop(traffic.request(Face::of("/sse")));
        let counted: Vec<_> = traffic.requests().collect();
        assert_eq!(
            counted,
            [
                ("mcp", "2xx", 2),
                ("sse", "none", 1),
                ("manage", "4xx", 1),
                ("other", "5xx", 1)
            ]
        );
    }
}
