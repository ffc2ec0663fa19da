//! What a scanner is given of a part, and what a part is called by what it says.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use super::*;

/// What the scanner recognises.
pub(crate) const VIRUS: &[u8] = b"VIRUS-OF-THE-TEST";

/// A scanner that remembers what it was given.
#[derive(Default)]
pub(crate) struct Watcher {
    /// Documents that were scanned to their ends.
    documents: Mutex<Vec<Vec<u8>>>,
    /// What it says of all of them, where it does not look.
    pub(crate) says: Mutex<Option<NotScanned>>,
    /// What else it recognises.
    pub(crate) recognises: Mutex<Option<Vec<u8>>>,
}

struct Watching(Arc<Watcher>, Vec<u8>);

/// A handle, since a scan outlives the call that begins it.
pub(crate) struct Watched(pub(crate) Arc<Watcher>);

impl Watcher {
    pub(crate) fn documents(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.documents.lock().unwrap())
    }

    pub(crate) fn screening(self: &Arc<Self>, unavailable: Unavailable) -> Screening {
        Screening { scanner: Arc::new(Watched(self.clone())), unavailable }
    }
}

impl Scanner for Watched {
    fn begin(&self) -> Pin<Box<dyn Future<Output = Box<dyn Scan>> + Send + '_>> {
        Box::pin(std::future::ready(Box::new(Watching(self.0.clone(), Vec::new())) as Box<dyn Scan>))
    }
}

impl Scan for Watching {
    fn feed<'a>(&'a mut self, octets: &'a [u8]) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        self.1.extend_from_slice(octets);
        Box::pin(std::future::ready(()))
    }

    fn finish(self: Box<Self>) -> Pin<Box<dyn Future<Output = Verdict> + Send>> {
        let other = self.0.recognises.lock().unwrap().clone();
        let holds = |pattern: &[u8]| self.1.windows(pattern.len()).any(|window| window == pattern);
        let infected = holds(VIRUS) || other.as_deref().is_some_and(holds);
        let verdict = match *self.0.says.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(why) => Verdict::NotScanned(why),
            None if infected => Verdict::Infected { signature: "Test.Virus".to_owned() },
            None => Verdict::Clean,
        };
        self.0.documents.lock().unwrap().push(self.1);
        Box::pin(std::future::ready(verdict))
    }
}

fn screen(watcher: &Arc<Watcher>, unavailable: Unavailable, sealed_by_sender: bool) -> PartScreen {
    let (layers, node) = (Vec::new(), "node.example".to_owned());
    PartScreen { screening: watcher.screening(unavailable), node, sealed_by_sender, layers, fault: None }
}

/// A ContentInfo of this type around these contents, in definite lengths.
fn content_info(kind: &[u8], contents: &[u8]) -> Vec<u8> {
    wrap(0x30, &[&[6, u8::try_from(kind.len()).unwrap()], kind, &wrap(0xa0, contents)].concat())
}

fn wrap(tag: u8, contents: &[u8]) -> Vec<u8> {
    [&[tag, 0x83], &u32::try_from(contents.len()).unwrap().to_be_bytes()[1..], contents].concat()
}

const SIGNED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const SEALED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 23];
const DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];

/// A signed file around a content, which lies in segments of 1000 octets each.
fn signed(content: &[u8]) -> Vec<u8> {
    let segments: Vec<u8> = content.chunks(1000).flat_map(|segment| wrap(4, segment)).collect();
    let encapsulated = wrap(0x30, &[DATA, &wrap(0xa0, &wrap(0x24, &segments))].concat());
    content_info(SIGNED, &wrap(0x30, &[&[2, 1, 1, 0x31, 0][..], &encapsulated, &[0x31, 0]].concat()))
}

async fn mark(part: &[u8], piece: usize, unavailable: Unavailable, sealed_by_sender: bool) -> Screened {
    let mut screen = screen(&Arc::default(), unavailable, sealed_by_sender);
    for octets in part.chunks(piece) {
        screen.feed(octets).await;
    }
    screen.finish().await
}

/// The result, its detail, and the code of the refusal.
async fn told(part: &[u8]) -> (ScanResult, Option<String>, Option<ProblemCode>) {
    let Screened { mark, refusal } = mark(part, 777, Unavailable::Refuse, false).await;
    assert_eq!(mark.node, "node.example");
    (mark.result, mark.detail, refusal.map(|refusal| refusal.code))
}

#[tokio::test]
async fn what_is_inside_of_a_signed_file_is_scanned_whole_however_it_is_segmented() {
    // Cut by the header of a segment, so that it stands nowhere in the file.
    let mut content = vec![b'.'; 5000];
    content[2990..2990 + VIRUS.len()].copy_from_slice(VIRUS);
    let file = signed(&content);
    assert!(!file.windows(VIRUS.len()).any(|window| window == VIRUS));
    for piece in [1, 2, 1000, file.len()] {
        let watcher = Arc::<Watcher>::default();
        let mut screen = screen(&watcher, Unavailable::Refuse, false);
        for octets in file.chunks(piece) {
            screen.feed(octets).await;
        }
        let Screened { mark, refusal } = screen.finish().await;
        assert_eq!((mark.result, mark.detail.as_deref()), (ScanResult::Infected, Some("Test.Virus")));
        assert_eq!(refusal.map(|refusal| refusal.code), Some(ProblemCode::ContentInfected));
        assert!(watcher.documents() == [file.clone(), content.clone()], "the file, and what is inside of it");
    }
    let twice = signed(&signed(VIRUS));
    assert_eq!(told(&twice).await.2, Some(ProblemCode::ContentInfected), "signed, and signed again");
}

#[tokio::test]
async fn a_signed_file_that_cannot_be_followed_counts_as_not_scanned() {
    let of = |code: &str| (ScanResult::NotScanned, Some(code.to_owned()), Some(ProblemCode::ContentNotScannable));
    let file = signed(&vec![b'.'; 3000]);
    assert_eq!(told(&file[..2000]).await, of("scan.unwrappable"), "it ends within its content");
    let mut broken = file.clone();
    let at = broken.windows(3).position(|window| window == [0x24, 0x83, 0]).unwrap();
    broken[at] = 0x23;
    assert_eq!(told(&broken[..at + 2]).await, of("scan.unwrappable"));
    let deep = (0..4).fold(b"x".to_vec(), |inner, _| signed(&inner));
    assert_eq!(told(&deep).await, of("scan.scanners_bound"));
    assert_eq!(told(&signed(&signed(&signed(b"x")))).await, (ScanResult::Clean, None, None));
    // What is known to be bad is bad, whatever else is not known.
    let infected = [&file[..2000], VIRUS].concat();
    assert_eq!(told(&infected).await.2, Some(ProblemCode::ContentInfected));
}

#[tokio::test]
async fn of_what_is_sealed_nobody_says_that_it_is_clean() {
    let envelope = content_info(SEALED, &wrap(0x30, b"sealed"));
    assert_eq!(told(&envelope).await, (ScanResult::Encrypted, None, None));
    assert_eq!(told(&signed(&envelope)).await, (ScanResult::Encrypted, None, None), "and signed around it");
    assert_eq!(told(b"%PDF-1.7").await, (ScanResult::Clean, None, None));
    // The head of an envelope takes away a "clean", and lets nothing through.
    let disguised = [&envelope[..], VIRUS].concat();
    for sealed_by_sender in [false, true] {
        let Screened { refusal, .. } = mark(&disguised, 100, Unavailable::Mark, sealed_by_sender).await;
        assert_eq!(refusal.map(|refusal| refusal.code), Some(ProblemCode::ContentInfected));
    }
    let Screened { mark, refusal } = mark(b"0123", 4, Unavailable::Refuse, true).await;
    assert_eq!((mark.result, refusal.is_none()), (ScanResult::Encrypted, true), "the channel says that it is sealed");
}

#[tokio::test]
async fn without_a_verdict_only_what_channel_and_head_call_sealed_needs_none() {
    let envelope = content_info(SEALED, &wrap(0x30, b"sealed"));
    for (part, declared, unavailable, expected) in [
        (&b"plain"[..], false, Unavailable::Refuse, (ScanResult::NotScanned, Some(ProblemCode::ScannerUnavailable))),
        (b"plain", true, Unavailable::Refuse, (ScanResult::NotScanned, Some(ProblemCode::ScannerUnavailable))),
        (&envelope, false, Unavailable::Refuse, (ScanResult::NotScanned, Some(ProblemCode::ScannerUnavailable))),
        (&envelope, true, Unavailable::Refuse, (ScanResult::Encrypted, None)),
        (b"plain", false, Unavailable::Mark, (ScanResult::NotScanned, None)),
    ] {
        let watcher = Arc::<Watcher>::default();
        *watcher.says.lock().unwrap() = Some(NotScanned::Unreachable);
        let Screened { mark, refusal } = screen(&watcher, unavailable, declared).whole(part).await;
        assert_eq!((mark.result, refusal.map(|refusal| refusal.code)), expected, "{declared} {unavailable:?}");
    }
    for (why, code) in [
        (NotScanned::TooLarge, ProblemCode::ContentNotScannable),
        (NotScanned::Encrypted, ProblemCode::ContentNotScannable),
        (NotScanned::Busy, ProblemCode::ScannerUnavailable),
    ] {
        let watcher = Arc::<Watcher>::default();
        *watcher.says.lock().unwrap() = Some(why);
        let Screened { mark, refusal } = screen(&watcher, Unavailable::Refuse, false).whole(b"x").await;
        assert_eq!((mark.detail.as_deref(), refusal.map(|refusal| refusal.code)), (Some(why.code()), Some(code)));
    }
}
