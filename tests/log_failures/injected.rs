//! System calls that fail, or are the last of their process: strace injects the fault at the n-th call of each thread. Where there is no strace, or the system
//! lets nobody trace, the tests say that they are skipped.

use std::process::Command;

use super::book::{Book, Said};

/// What a log does to its disk.
const CALLS: [&str; 9] =
    ["openat", "rename", "linkat,link", "fsync", "fdatasync", "pwrite64", "write", "unlink,unlinkat", "ftruncate"];

/// Which of a thread's calls fail. `LOG_FAILURE_CALLS=all` tries each of the first sixty.
const SOME: [usize; 4] = [1, 3, 8, 21];

#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn strace() -> bool {
    let traced = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    let can = traced.is_ok_and(|status| status.success());
    if !can {
        println!("skipped: there is no strace, or it may not trace");
    }
    can
}

fn positions() -> Vec<usize> {
    match std::env::var("LOG_FAILURE_CALLS").as_deref() {
        Ok("all") => (1..=60).collect(),
        _ => SOME.to_vec(),
    }
}

fn run(book: &mut Book, calls: &str, fault: &str, position: usize) -> Said {
    let inject = format!("inject={calls}:{fault}:when={position}");
    let before = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e"].map(str::to_owned);
    let before: Vec<_> = before.into_iter().chain([format!("trace={calls}"), "-e".to_owned(), inject]).collect();
    book.run(&before, &["--lanes", "4", "--count", "25", "--seconds", "5"])
}

/// One log lives through all faults of a kind: what one of them left is what the next one meets.
async fn live_through(fault: &str) {
    if !strace() {
        return;
    }
    let mut acknowledged = 0;
    for calls in CALLS {
        let mut book = Book::new();
        for position in positions() {
            acknowledged += run(&mut book, calls, fault, position).acknowledged;
            book.verify_as_it_lies();
        }
        book.settle().await;
    }
    assert!(acknowledged > 100, "only {acknowledged} events were acknowledged between all faults");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_call_may_fail_with_eio() {
    live_through("error=EIO").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_call_may_fail_with_enospc() {
    live_through("error=ENOSPC").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_call_may_be_the_last_of_its_process() {
    live_through("signal=KILL").await;
}

/// After a failed fsync the system takes the pages for clean: what was to be durable is written again, and nothing is acknowledged on its word.
#[tokio::test(flavor = "multi_thread")]
async fn an_fsync_that_fails_once_is_lived_through() {
    if !strace() {
        return;
    }
    for calls in ["fsync", "fdatasync"] {
        let mut lived = 0;
        for position in 1..=8 {
            let mut book = Book::new();
            let said = run(&mut book, calls, "error=EIO", position);
            if said.acknowledged == 0 {
                // The first are of the folder of objects, when it is opened: who cannot make that durable does not begin.
                assert!(
                    said.halted.as_ref().is_some_and(|why| why.starts_with("object store")),
                    "{calls} {position}: {said:?}"
                );
                continue;
            }
            assert_eq!(said.halted, None, "{calls} {position}: it goes on by itself");
            assert!(said.acknowledged >= 50, "{calls} {position}: {said:?}");
            assert!(book.settle().await > said.acknowledged as u64);
            lived += 1;
        }
        assert!(lived >= 4, "{calls}: {lived} of eight");
    }
}
