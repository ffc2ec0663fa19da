//! A node that already has much to keep: messages that wait in mailboxes which nobody empties.
//!
//! One message for each of those mailboxes is really submitted. Then the node is stopped and its rows are copied in its database, with
//! other ids, as often as is asked for: a million submissions would take a quarter of an hour and measure nothing. What a copy lacks is a
//! signature over its own id and a row in the log, which nothing on the way of other messages looks at.

use std::process::Command;

use storage::Writer;

use crate::harness::{Agency, Ground, NodeProcess};

/// Copies of every message in one transaction: some hundred megabytes of log at most.
const AT_ONCE: u32 = 250;

/// Makes `waiting` messages wait, spread over the mailboxes of `idle`, and starts the node again, by `command`.
///
/// # Panics
/// Where the node refuses, or the database.
pub async fn pile_up(
    command: Command,
    ground: &Ground,
    mut node: NodeProcess,
    sender: &Agency,
    idle: &[Agency],
    waiting: u32,
) -> NodeProcess {
    let operator = ground.operator();
    for agency in idle {
        ground.registers(&operator, agency).await;
        ground.opens_channel(&operator, sender, &agency.mailbox()).await;
        let document = format!("for {}", agency.mailbox());
        sender.submits(document).to(&agency.mailbox()).await.expect("a message that waits");
    }
    node.kill();
    let copies = waiting / u32::try_from(idle.len()).expect("few mailboxes");
    let (writer, _reader) = storage::store::open(&ground.config.storage.database.store()).expect("the database");
    for first in (1..copies).step_by(AT_ONCE as usize) {
        copy(&writer, first, copies.min(first + AT_ONCE)).await;
    }
    drop((writer, _reader));
    NodeProcess::start_with(command, ground).await
}

/// Copies number `from` to `to` (exclusive) of every message that was submitted.
async fn copy(writer: &Writer, from: u32, to: u32) {
    let copied = writer.run_tx("copy_messages", move |tx| {
        for sql in COPIES {
            tx.execute(sql, &[from.into(), to.into()])?;
        }
        Ok::<_, storage::StoreError>(())
    });
    copied.await.expect("copies of rows");
}

/// A version 7 id of the same moment: twelve and sixteen bits of the random part are the number of the copy, which is not 0.
macro_rules! numbered {
    ($column:literal) => {
        concat!(
            "unhex(hex(substr(",
            $column,
            ", 1, 6)) || printf('7%03x', n.value & 4095)",
            " || printf('8%03x', n.value >> 12) || hex(substr(",
            $column,
            ", 11, 6)))"
        )
    };
}

/// The numbers of the copies, and what was really submitted: a copy took no idempotency key.
macro_rules! numbers {
    () => {
        "WITH RECURSIVE n(value) AS (SELECT $1 UNION ALL SELECT value + 1 FROM n WHERE value + 1 < $2),
        template AS MATERIALIZED (SELECT m.* FROM submission_key k JOIN message m ON m.id = k.message_id)"
    };
}

/// CROSS JOIN, so that the few templates come first: SQLite would rather scan what was copied so far, for every batch anew.
const COPIES: [&str; 4] = [
    concat!(
        "-- copy_cases\n", numbers!(),
        " INSERT INTO exchange_case (id, opener, counterpart, opened_at)
        SELECT ", numbered!("c.id"), ", c.opener, c.counterpart, c.opened_at
        FROM n CROSS JOIN template m CROSS JOIN exchange_case c ON c.id = m.case_id"
    ),
    concat!(
        "-- copy_messages\n", numbers!(),
        " INSERT INTO message (id, case_id, sender, sender_certificate, recipient, kind, media_type, state, standing, steps,
            accepted_at, changed_at, due_at, parts, key_envelope)
        SELECT ", numbered!("m.id"), ", ", numbered!("m.case_id"), ", m.sender, m.sender_certificate, m.recipient, m.kind,
            m.media_type, m.state, m.standing, m.steps, m.accepted_at, m.changed_at, m.due_at, m.parts, m.key_envelope
        FROM n CROSS JOIN template m"
    ),
    concat!(
        "-- copy_parts\n", numbers!(),
        " INSERT INTO part (message_id, number, object_key, content)
        SELECT ", numbered!("m.id"), ", p.number, p.object_key, p.content
        FROM n CROSS JOIN template m CROSS JOIN part p ON p.message_id = m.id"
    ),
    concat!(
        "-- copy_evidence\n", numbers!(),
        " INSERT INTO evidence (id, message_id, step, kind, state, at, event_id, jws)
        SELECT ", numbered!("e.id"), ", ", numbered!("m.id"), ", e.step, e.kind, e.state, e.at, ", numbered!("e.event_id"), ", e.jws
        FROM n CROSS JOIN template m CROSS JOIN evidence e ON e.message_id = m.id"
    ),
];
