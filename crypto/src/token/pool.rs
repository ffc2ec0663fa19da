//! Sessions: a bounded number, opened when they are needed, given up when one of them fails.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{PATIENCE, REST, TokenError, WAITING};

/// Where sessions come from.
pub(super) trait Source {
    /// One of them; does one thing at a time.
    type Session: Send;

    /// A session that works. One at a time: nobody else connects meanwhile.
    fn connect(&self) -> Result<Self::Session, TokenError>;
}

/// The sessions of a source.
pub(super) struct Pool<S: Source> {
    source: S,
    most: usize,
    state: Mutex<State<S::Session>>,
    /// Held while a session is opened, and never while `state` is.
    connecting: Mutex<()>,
    /// A session lies idle, or there is room for another one.
    changed: Condvar,
}

struct State<T> {
    idle: Vec<T>,
    /// Those that are open, idle or at work, and those that are being opened.
    open: usize,
    waiting: usize,
    /// The last failure; gone when something succeeds.
    failed: Option<(TokenError, Instant)>,
}

impl<T> State<T> {
    /// Why nothing is tried now.
    fn refusal(&self) -> Option<TokenError> {
        let (error, since) = self.failed.as_ref()?;
        (error.is_for_good() || since.elapsed() < REST).then(|| error.clone())
    }
}

impl<S: Source> Pool<S> {
    /// Opens the first session, which shows that the source works.
    pub(super) fn open(source: S, most: usize) -> Result<Self, TokenError> {
        let first = source.connect()?;
        let state = State { idle: vec![first], open: 1, waiting: 0, failed: None };
        Ok(Self { source, most, state: Mutex::new(state), connecting: Mutex::new(()), changed: Condvar::new() })
    }

    /// Does something with a session; once more with a new one where the first has failed.
    pub(super) fn run<R>(&self, work: impl Fn(&S::Session) -> Result<R, TokenError>) -> Result<R, TokenError> {
        let session = self.take()?;
        let session = match work(&session) {
            Ok(done) => return self.done(session, done),
            Err(_) => self.replace(session)?,
        };
        match work(&session) {
            Ok(done) => self.done(session, done),
            Err(error) => {
                drop(session);
                self.lost(error.clone());
                Err(error)
            }
        }
    }

    /// What is wrong at present.
    pub(super) fn complaint(&self) -> Option<TokenError> {
        self.state().failed.as_ref().map(|(error, _)| error.clone())
    }

    fn state(&self) -> MutexGuard<'_, State<S::Session>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<S::Session, TokenError> {
        let mut state = self.state();
        if state.idle.is_empty() && state.open >= self.most {
            if state.waiting >= WAITING {
                return Err(TokenError::Busy);
            }
            state.waiting += 1;
            let nothing = |state: &mut State<S::Session>| state.idle.is_empty() && state.open >= self.most;
            let (woken, late) =
                self.changed.wait_timeout_while(state, PATIENCE, nothing).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.waiting -= 1;
            if late.timed_out() {
                return Err(TokenError::Busy);
            }
        }
        if let Some(session) = state.idle.pop() {
            return Ok(session);
        }
        if let Some(error) = state.refusal() {
            drop(state);
            self.changed.notify_one();
            return Err(error);
        }
        state.open += 1;
        drop(state);
        self.connect()
    }

    /// Opens a session in a place that is counted already.
    fn connect(&self) -> Result<S::Session, TokenError> {
        let one_at_a_time = self.connecting.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever was first may have found out that there is no point.
        let refused = self.state().refusal();
        let connected = refused.map_or_else(|| self.source.connect(), Err);
        drop(one_at_a_time);
        connected.inspect_err(|error| self.lost(error.clone()))
    }

    /// A session failed, and with it, as far as anybody knows, the others: those that lie idle are closed, one is opened anew.
    fn replace(&self, broken: S::Session) -> Result<S::Session, TokenError> {
        drop(broken);
        let idle = {
            let mut state = self.state();
            let idle = std::mem::take(&mut state.idle);
            state.open -= idle.len();
            idle
        };
        // Closed outside the lock: that too asks the token.
        drop(idle);
        self.changed.notify_all();
        self.connect()
    }

    fn done<R>(&self, session: S::Session, result: R) -> Result<R, TokenError> {
        let mut state = self.state();
        state.idle.push(session);
        state.failed = None;
        drop(state);
        self.changed.notify_one();
        Ok(result)
    }

    /// A place is free again.
    fn lost(&self, error: TokenError) {
        let mut state = self.state();
        state.open -= 1;
        state.failed = Some((error, Instant::now()));
        drop(state);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};

    use super::*;

    /// A token that can be pulled out.
    #[derive(Default)]
    struct Fake {
        connected: AtomicUsize,
        gone: Arc<Mutex<Option<TokenError>>>,
    }

    struct Line(Arc<Mutex<Option<TokenError>>>);

    impl Source for Fake {
        type Session = Line;

        fn connect(&self) -> Result<Line, TokenError> {
            self.connected.fetch_add(1, Ordering::SeqCst);
            match self.gone.lock().unwrap().clone() {
                Some(error) => Err(error),
                None => Ok(Line(self.gone.clone())),
            }
        }
    }

    fn works(line: &Line) -> Result<(), TokenError> {
        line.0.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    #[test]
    fn no_more_sessions_than_allowed_and_all_who_wait_get_one() {
        let pool = Pool::open(Fake::default(), 3).unwrap();
        let (at_once, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let together = Barrier::new(24);
        std::thread::scope(|scope| {
            for _ in 0..24 {
                scope.spawn(|| {
                    together.wait();
                    let work = |_: &Line| {
                        most.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::sleep(std::time::Duration::from_millis(5));
                        at_once.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    };
                    pool.run(work).unwrap();
                });
            }
        });
        assert_eq!((most.into_inner(), pool.source.connected.load(Ordering::SeqCst)), (3, 3));
    }

    #[test]
    fn a_token_that_is_gone_is_left_alone_for_a_while_and_found_again() {
        let pool = Pool::open(Fake::default(), 2).unwrap();
        let gone = TokenError::Tokens(0, "t".to_owned());
        *pool.source.gone.lock().unwrap() = Some(gone.clone());
        assert_eq!(pool.run(works), Err(gone.clone()));
        let tried = pool.source.connected.load(Ordering::SeqCst);
        assert_eq!((pool.run(works), pool.complaint()), (Err(gone.clone()), Some(gone.clone())));
        assert_eq!(pool.source.connected.load(Ordering::SeqCst), tried, "nobody tries in between");
        *pool.source.gone.lock().unwrap() = None;
        std::thread::sleep(REST);
        assert_eq!((pool.run(works), pool.complaint()), (Ok(()), None));
        assert_eq!(pool.state().open, 1, "every place is accounted for");
    }

    #[test]
    fn a_session_that_broke_is_replaced_without_anybody_noticing() {
        let pool = Pool::open(Fake::default(), 2).unwrap();
        let failures = AtomicUsize::new(0);
        let once = |_: &Line| match failures.fetch_add(1, Ordering::SeqCst) {
            0 => Err(TokenError::Failed("SessionHandleInvalid".to_owned())),
            _ => Ok(()),
        };
        assert_eq!((pool.run(once), pool.complaint()), (Ok(()), None));
        assert_eq!((pool.source.connected.load(Ordering::SeqCst), pool.state().open), (2, 1));
    }

    #[test]
    fn a_pin_that_was_refused_is_never_tried_again() {
        let pool = Pool::open(Fake::default(), 1).unwrap();
        *pool.source.gone.lock().unwrap() = Some(TokenError::PinRefused("PinIncorrect".to_owned()));
        pool.run(works).unwrap_err();
        let tried = pool.source.connected.load(Ordering::SeqCst);
        *pool.source.gone.lock().unwrap() = None;
        std::thread::sleep(REST + std::time::Duration::from_millis(50));
        assert_eq!(pool.run(works), Err(TokenError::PinRefused("PinIncorrect".to_owned())));
        assert_eq!(pool.source.connected.load(Ordering::SeqCst), tried);
    }
}
