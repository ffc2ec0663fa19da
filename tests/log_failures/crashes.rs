//! Processes that are killed, and processes that are stopped and go on.

use std::process::Command;
use std::time::Duration;

use super::book::Book;

/// How often the keeper of the log is killed. `LOG_FAILURE_KILLS` asks for more.
const KILLS: usize = 25;

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_kills_loses_nothing_that_was_acknowledged_and_forks_nothing() {
    let kills = std::env::var("LOG_FAILURE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let mut book = Book::new();
    let mut entries = 0;
    for kill in 0..kills {
        let child = book.command(&[], &["--lanes", "16", "--count", "100000"]).spawn().unwrap();
        // Between the first acknowledgement and some thirty rounds later, another moment each time.
        let enough = 1 + kill * 37 % 900;
        let said = book.listen(child, |acknowledged, child| {
            if acknowledged == enough {
                child.kill().unwrap();
            }
        });
        assert!(said.acknowledged >= enough && said.halted.is_none(), "{kill}: {said:?}");
        book.verify_as_it_lies();
        // Recovery is tried by the next process; the books are balanced now and then, since that reads the whole log.
        if kill % 10 == 9 || kill + 1 == kills {
            entries = book.settle().await;
        }
    }
    assert!(entries >= u64::try_from(kills).unwrap(), "{entries}");
    assert!(book.signed() >= kills / 2, "{} trees were seen", book.signed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integrator_that_is_stopped_past_its_turn_is_fenced_off() {
    let mut book = Book::new();
    for turn in 0..6_u64 {
        // One that is stopped somewhere in its rounds, and one that goes on meanwhile.
        let stopped = book.command(&[], &["--lanes", "4", "--count", "100000", "--seconds", "3"]).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(150 + 31 * turn)).await;
        signal(stopped.id(), "-STOP");
        let other = book.command(&[], &["--lanes", "4", "--count", "100"]).spawn().unwrap();
        // Where it was stopped with the lock of the database, the other waits for it, as for any writer; else it goes on alone.
        tokio::time::sleep(Duration::from_millis(700)).await;
        signal(stopped.id(), "-CONT");
        let said = book.listen(other, |_, _| ());
        assert_eq!((said.acknowledged, said.halted), (400, None), "whoever comes meanwhile loses nothing");
        let said = book.listen(stopped, |acknowledged, child| {
            if acknowledged > 2000 {
                let _ = child.kill();
            }
        });
        assert_eq!(said.halted, None, "it finds that the tree has moved, and goes on from there");
        book.verify_as_it_lies();
    }
    book.settle().await;
}

fn signal(process: u32, signal: &str) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}
