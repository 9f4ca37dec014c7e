//! A future that wakes itself while it is polled is polled again in place.
//!
//! hyper's connection does so: whoever reads the body of a request or an answer wakes the connection that the body comes
//! on, which is the very task that is running. The scheduler takes that for a task that gives way to others: it puts
//! it at the end of the queue and wakes another thread to take it, for every call.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::task::AtomicWaker;

/// So often at most in a row; then others have their turn.
const ROUNDS: usize = 16;

/// See the module.
pub(crate) struct InPlace<F> {
    future: Pin<Box<F>>,
    bell: Arc<Bell>,
    /// Rings the bell.
    ringer: Waker,
}

/// Who is woken, and whether the future is being polled meanwhile.
struct Bell {
    task: AtomicWaker,
    polled: AtomicBool,
    rung: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    // Either the poll is still on and sees afterwards that the bell was rung, or the task is woken: in the one order of
    // all these operations, what is stored first is seen by whoever looks second.
    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        if !self.polled.load(Ordering::SeqCst) {
            self.task.wake();
        }
    }
}

impl<F: Future> InPlace<F> {
    pub(crate) fn new(future: F) -> Self {
        let bell = Arc::new(Bell {
            task: AtomicWaker::new(),
            polled: AtomicBool::new(false),
            rung: AtomicBool::new(false),
        });
        Self {
            future: Box::pin(future),
            ringer: Waker::from(Arc::clone(&bell)),
            bell,
        }
    }
}

impl<F: Future> Future for InPlace<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, bell, ringer } = &mut *self;
        bell.task.register(cx.waker());
        for _ in 0..ROUNDS {
            bell.rung.store(false, Ordering::SeqCst);
            bell.polled.store(true, Ordering::SeqCst);
            let polled = future.as_mut().poll(&mut Context::from_waker(ringer));
            bell.polled.store(false, Ordering::SeqCst);
            if polled.is_ready() || !bell.rung.load(Ordering::SeqCst) {
                return polled;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[derive(Default)]
    struct Count(std::sync::atomic::AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Polls once a future that wakes itself `times` before it is ready; says whether it is, and how often the task was
    /// woken.
    fn polled(times: usize) -> (bool, usize) {
        let mut left = times;
        let mut future = InPlace::new(poll_fn(move |cx| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let ready = Pin::new(&mut future).poll(&mut Context::from_waker(&waker)).is_ready();
        (ready, count.0.load(Ordering::SeqCst))
    }

    #[test]
    fn what_wakes_itself_is_polled_again_at_once() {
        assert_eq!(polled(0), (true, 0));
        assert_eq!(polled(ROUNDS - 1), (true, 0));
    }

    #[test]
    fn others_have_their_turn() {
        assert_eq!(polled(ROUNDS), (false, 1));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_of_another_thread_is_lost() {
        for round in 0..2000_u32 {
            let (tell, told) = tokio::sync::oneshot::channel();
            let waiting = tokio::spawn(InPlace::new(async move {
                tokio::task::yield_now().await;
                told.await
            }));
            let telling = tokio::spawn(async move { tell.send(round) });
            assert_eq!(waiting.await.unwrap(), Ok(round));
            telling.await.unwrap().unwrap();
        }
    }
}
