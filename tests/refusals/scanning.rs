//! What a node with a malware scanner refuses: against a clamd that knows one thing, over TCP.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use exchange::scan::Unavailable;
use gateway::config::ClamdAddress;
use schemas::evidence::EvidenceKind;
use schemas::message::{MessagePage, State};
use schemas::scan::ScanResult;
use tests::harness::agency::fresh_key;
use tests::harness::{Answer, Form, Ground, Region, Request, pdf};

use crate::case::{Case, case, check, nothing_is_stored, play};

/// What this clamd recognises.
const VIRUS: &[u8] = b"VIRUS-OF-THE-TEST";

/// At what it gives up.
const BOUND: &[u8] = b"ARCHIVE-IN-AN-ARCHIVE";

/// A clamd that answers INSTREAM (clamd(8)) as the real one does; it ends with the process.
fn clamd() -> ClamdAddress {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
    let address = listener.local_addr().expect("a bound listener has an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || drop(answer(stream)));
        }
    });
    ClamdAddress::Tcp(address)
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut command = [0; 10];
    stream.read_exact(&mut command)?;
    assert_eq!(&command, b"zINSTREAM\0");
    let mut document = Vec::new();
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length == 0 {
            break;
        }
        let mut piece = vec![0; usize::try_from(length).expect("a piece in memory")];
        stream.read_exact(&mut piece)?;
        document.extend_from_slice(&piece);
    }
    let holds = |pattern: &[u8]| document.windows(pattern.len()).any(|window| window == pattern);
    stream.write_all(match () {
        () if holds(VIRUS) => b"stream: Test.Virus FOUND\0",
        () if holds(BOUND) => b"stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0",
        () => b"stream: OK\0",
    })
}

fn with_clamd(ground: &mut Ground) {
    ground.config.scan.clamd = Some(clamd());
}

/// The address of a clamd that is not there.
fn without_its_clamd(ground: &mut Ground) {
    ground.config.scan.clamd = Some(ClamdAddress::Tcp("127.0.0.1:9".to_owned()));
}

fn letter(with: &[u8]) -> Vec<u8> {
    [&pdf("letter")[..], with].concat()
}

async fn ask(region: &Region, request: &Request) -> Answer {
    region.wire(Some(region.a.login())).asks(request).await
}

async fn hands_in(region: &Region, document: &[u8]) -> Answer {
    let (envelope, signature) = (region.a.envelope(&region.b.mailbox()), region.a.signs(document));
    let json = serde_json::to_vec(&envelope).expect("JSON");
    ask(region, &Form::submission(&json, &signature, document).request(&fresh_key())).await
}

/// On a region whose node has a scanner.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!("a document with a virus", 422 ContentInfected, |r| hands_in(r, &letter(VIRUS)).await),
        case!("a document that the scanner gives up at", 422 ContentNotScannable, |r| {
            hands_in(r, &letter(BOUND)).await
        }),
    ]
}

/// On a region whose node's scanner is out of reach.
pub(crate) fn unreachable() -> Case {
    case!("a document while the scanner is away", 503 ScannerUnavailable, |r| hands_in(r, &letter(b"")).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_infected_or_not_scannable_is_refused() {
    let region = Region::start_with(with_clamd).await;
    play(&region, &cases()).await;
    let problem = hands_in(&region, &letter(VIRUS)).await.problem();
    assert_eq!(problem.detail.as_deref(), Some("Test.Virus"));
    let evidence = problem.evidence.as_deref().expect("evidence A.2");
    let statement = exchange::evidence::verify(evidence, region.ground.site.evidence_certificate());
    let statement = statement.expect("evidence that verifies");
    assert_eq!(statement.kind, EvidenceKind::SubmissionRejection);
    let scan = statement.parts[0].scan.as_ref().expect("a mark");
    assert_eq!((scan.result, scan.detail.as_deref()), (ScanResult::Infected, Some("Test.Virus")));
    let page: MessagePage = ask(&region, &Request::get("/v1/submissions?state=rejected")).await.json();
    let infected = Some(State::Rejected { reason: "content.infected".to_owned() });
    assert_eq!(page.messages.iter().filter(|message| message.standing == infected).count(), 2);
    nothing_is_stored(&region).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_its_scanner_accepts_nothing() {
    let region = Region::start_with(without_its_clamd).await;
    let case = unreachable();
    let answer = (case.deed)(&region).await;
    check(&case, &answer);
    assert_eq!(answer.header("retry-after"), Some("10"));
    nothing_is_stored(&region).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_operator_accepts_it_the_recipient_reads_that_nothing_was_scanned() {
    let region = Region::start_with(|ground| {
        without_its_clamd(ground);
        ground.config.scan.unavailable = Unavailable::Mark;
    })
    .await;
    assert_eq!(hands_in(&region, &letter(b"")).await.status, 201);
    let lease = region.b.awaits(10).await.expect("a lease");
    let scan = lease.messages[0].parts[0].scan.as_ref().expect("a mark");
    assert_eq!((scan.result, scan.detail.as_deref()), (ScanResult::NotScanned, Some("scan.unreachable")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_clean_reaches_its_recipient_with_the_mark() {
    let region = Region::start_with(with_clamd).await;
    assert_eq!(hands_in(&region, &letter(b"")).await.status, 201);
    let lease = region.b.awaits(10).await.expect("a lease");
    let results: Vec<_> = lease.messages[0].parts.iter().filter_map(|part| Some(part.scan.as_ref()?.result)).collect();
    assert_eq!(results, [ScanResult::Clean, ScanResult::Clean]);
    let opened = region.b.opens(&lease, &lease.messages[0]).await.expect("an opened letter");
    assert_eq!(opened.document, letter(b""));
}
