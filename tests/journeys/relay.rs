//! Two nodes, and a third that nobody can reach: documents cross from one to the other over a line that breaks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use schemas::message::MessageState;
use storage::clock::SystemClock;
use tests::harness::neighbours::{Papers, awaits_state, door, operator, registers_elsewhere, starts};
use tests::harness::{Agency, Ground};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const HOME: &str = "one.example";
const THERE: &str = "two.example";
const NOWHERE: &str = "three.example";

/// A line to a node: breaks when so many bytes have passed, and lets nothing through until it is mended.
struct Line {
    address: SocketAddr,
    left: Arc<AtomicI64>,
}

impl Line {
    async fn to(node: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, left) = (listener.local_addr().unwrap(), Arc::new(AtomicI64::new(i64::MAX)));
        let budget = left.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let budget = budget.clone();
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(node).await else { return };
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    tokio::select! {
                        () = pump(near_in, far_out, &budget) => {}
                        () = pump(far_in, near_out, &budget) => {}
                    }
                });
            }
        });
        Self { address, left }
    }

    fn breaks_after(&self, bytes: i64) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    fn is_broken(&self) -> bool {
        self.left.load(Ordering::SeqCst) <= 0
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }
}

async fn pump(mut from: tokio::net::tcp::OwnedReadHalf, mut to: tokio::net::tcp::OwnedWriteHalf, budget: &AtomicI64) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer).await {
        let before = budget.fetch_sub(i64::try_from(count).unwrap(), Ordering::SeqCst);
        if count == 0 || before <= 0 || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_megabytes_cross_a_line_that_breaks_and_a_node_out_of_reach_delays_nobody() {
    let ground = Ground::lay(Arc::new(SystemClock), 3, None).await;
    let [one, two, three] = [HOME, THERE, NOWHERE].map(|name| Papers::issue(&ground, name));
    let mut at_two = two.config(&ground, Vec::new());
    // Node two is told where node one is before that one starts.
    let mut at_one = one.config(&ground, Vec::new());
    let line = Line::to(at_two.listen.public).await;
    let url_of_one = format!("https://localhost:{}", at_one.listen.public.port());
    at_two.relay.peers = vec![one.as_peer(&ground, &url_of_one)];
    let nowhere = three.config(&ground, Vec::new()).listen.public;
    let nowhere = format!("https://localhost:{}", nowhere.port());
    at_one.relay.peers = vec![two.as_peer(&ground, &line.url()), three.as_peer(&ground, &nowhere)];
    let (node_one, node_two) = (starts(&ground, at_one).await, starts(&ground, at_two).await);

    let agency = |index, node| Agency::new(ground.site.clone(), index, ground.clock.clone(), &door(node));
    let (a, b, c) = (agency(0, &node_one), agency(1, &node_two), agency(2, &node_one));
    let (operator_one, operator_two) = (operator(&ground, &door(&node_one)), operator(&ground, &door(&node_two)));
    ground.registers(&operator_one, &a).await;
    registers_elsewhere(&operator_one, &b, THERE).await;
    registers_elsewhere(&operator_one, &c, NOWHERE).await;
    registers_elsewhere(&operator_two, &a, HOME).await;
    ground.registers(&operator_two, &b).await;
    ground.opens_channel(&operator_one, &a, &b.mailbox()).await;
    ground.opens_channel(&operator_one, &a, &c.mailbox()).await;
    ground.opens_channel(&operator_two, &a, &b.mailbox()).await;

    let mut stuck = Vec::new();
    for number in 0..8 {
        let made = a.submits(format!("letter {number}").into_bytes()).to(&c.mailbox()).made().await;
        stuck.push(made.expect("a receipt").0.message_id);
    }
    let document: Vec<u8> = (0..20_u32 * 1024 * 1024).map(|n| (n ^ (n >> 9)).to_le_bytes()[0]).collect();
    line.breaks_after(9 * 1024 * 1024);
    let (receipt, _) = a.submits(document.clone()).to(&b.mailbox()).made().await.expect("a receipt");
    while !line.is_broken() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    awaits_state(&a, receipt.message_id, MessageState::RetryWait).await;
    // What is left, and the framing of it: less than the whole would need.
    line.breaks_after(14 * 1024 * 1024);
    awaits_state(&a, receipt.message_id, MessageState::Relayed).await;
    line.breaks_after(i64::MAX);

    let lease = b.awaits(10).await.expect("a lease");
    assert_eq!(lease.messages.len(), 1, "once");
    let opened = b.opens(&lease, &lease.messages[0]).await.expect("what was sent");
    assert!(opened.document == document);
    b.accepts(lease.token, receipt.message_id, &opened.document).await.expect("an acceptance");
    awaits_state(&a, receipt.message_id, MessageState::Accepted).await;
    assert!(b.leases(10).await.expect("a lease").messages.is_empty());
    for message in stuck {
        let state = a.client.message(message).await.expect("A's own message").state;
        assert!([MessageState::Queued, MessageState::Relaying, MessageState::RetryWait].contains(&state), "{state:?}");
    }
    let events = a.client.case_events(receipt.case_id).await.expect("the events").events;
    let theirs: Vec<_> = events.iter().filter_map(|event| event.node.as_deref()).collect();
    assert_eq!(theirs, [THERE; 3], "D.1, E.1, C.3");
    node_one.stop().await;
    node_two.stop().await;
}
