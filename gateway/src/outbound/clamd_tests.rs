//! A clamd that keeps to a script, and the real one where it is installed.

use std::path::PathBuf;
use std::sync::Mutex;

use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;

use storage::clock::ManualClock;

use super::*;

/// The EICAR test file, which every scanner recognises and which does nothing.
const EICAR: &[u8] = br"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

/// Where a deadline is to pass, and where none is to.
const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(60);
const PATIENT: Deadlines = Deadlines { connect: LONG, piece: LONG, answer: LONG, last_words: LONG };

/// What the false clamd does with a connection.
#[derive(Clone)]
enum Script {
    /// Takes in everything; answers as clamd does, by whether the document holds EICAR.
    Scan,
    /// Takes in everything, says this, closes.
    Say(&'static [u8]),
    /// Takes in everything and says nothing more.
    Silence,
    /// Takes in so many octets after the command, says this, and closes.
    After(usize, &'static [u8]),
    /// Takes in nothing at all.
    Deaf,
    /// Says this before anything, then takes in everything.
    First(&'static [u8]),
}

fn noon() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(time::macros::datetime!(2026-11-26 12:00:00 UTC)))
}

struct FalseClamd {
    folder: tempfile::TempDir,
    documents: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl Drop for FalseClamd {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FalseClamd {
    fn new(script: Script) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("clamd.ctl")).unwrap();
        let documents = Arc::new(Mutex::new(Vec::new()));
        let seen = documents.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(play(script.clone(), stream, seen.clone()));
            }
        });
        Self { folder, documents, task }
    }

    fn client(&self, maximum_bytes: u64, deadlines: Deadlines) -> Clamd {
        Clamd::new(ClamdAddress::Unix(self.folder.path().join("clamd.ctl")), maximum_bytes, deadlines, noon())
    }

    fn document(&self) -> Vec<u8> {
        self.documents.lock().unwrap().pop().unwrap()
    }
}

async fn play(script: Script, mut stream: impl Stream, seen: Arc<Mutex<Vec<Vec<u8>>>>) {
    let mut command = [0; 10];
    stream.read_exact(&mut command).await.unwrap();
    assert_eq!(&command, b"zINSTREAM\0");
    match script {
        Script::Deaf => return std::future::pending().await,
        Script::After(octets, words) => {
            let mut taken = vec![0; octets];
            stream.read_exact(&mut taken).await.unwrap();
            stream.write_all(words).await.unwrap();
            return;
        }
        Script::First(words) => stream.write_all(words).await.unwrap(),
        _ => {}
    }
    let mut document = Vec::new();
    loop {
        let length = stream.read_u32().await.unwrap();
        if length == 0 {
            break;
        }
        let mut piece = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut piece).await.unwrap();
        document.extend_from_slice(&piece);
    }
    let infected = document.windows(EICAR.len()).any(|window| window == EICAR);
    seen.lock().unwrap().push(document);
    match script {
        Script::Say(words) => stream.write_all(words).await.unwrap(),
        Script::Scan if infected => stream.write_all(b"stream: Eicar-Signature FOUND\0").await.unwrap(),
        Script::Scan => stream.write_all(b"stream: OK\0").await.unwrap(),
        _ => std::future::pending().await,
    }
}

async fn scan(client: &Clamd, pieces: &[&[u8]]) -> Verdict {
    let mut scan = client.begin().await;
    for piece in pieces {
        scan.feed(piece).await;
    }
    scan.finish().await
}

fn infected(signature: &str) -> Verdict {
    Verdict::Infected { signature: signature.to_owned() }
}

#[tokio::test]
async fn a_document_arrives_as_it_was_however_it_was_cut() {
    let clamd = FalseClamd::new(Script::Scan);
    let client = clamd.client(1 << 30, PATIENT);
    let large: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    for pieces in [vec![&large[..]], large.chunks(1000).collect(), vec![&[], &large[..70_000], &[], &large[70_000..]]] {
        assert_eq!(scan(&client, &pieces).await, Verdict::Clean);
        assert!(clamd.document() == large, "an empty piece is not the end, and a large one is cut");
    }
    assert_eq!(scan(&client, &[]).await, Verdict::Clean);
    assert_eq!(clamd.document(), b"");
    let (head, tail) = EICAR.split_at(30);
    assert_eq!(scan(&client, &[&large, head, tail, &large]).await, infected("Eicar-Signature"));
}

#[tokio::test]
async fn clamd_is_asked_over_tcp_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = ClamdAddress::Tcp(listener.local_addr().unwrap().to_string());
    let served =
        tokio::spawn(async move { play(Script::Scan, listener.accept().await.unwrap().0, Arc::default()).await });
    assert_eq!(scan(&Clamd::new(address, 1000, PATIENT, noon()), &[EICAR]).await, infected("Eicar-Signature"));
    served.await.unwrap();
}

#[tokio::test]
async fn every_answer_means_one_thing() {
    let unintelligible = |what| Verdict::NotScanned(NotScanned::Unintelligible(what));
    let long: &'static [u8] = Box::leak(vec![b'a'; 5000].into_boxed_slice());
    let named: &'static [u8] =
        Box::leak(format!("stream: {} FOUND\0", "x".repeat(900)).into_bytes().into_boxed_slice());
    let answers: [(&'static [u8], Verdict); 22] = [
        (b"stream: OK\0", Verdict::Clean),
        (b"stream: OK\n", Verdict::Clean),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", infected("Win.Test.EICAR_HDB-1")),
        (
            b"stream: Eicar(44d88612fea8a8f36de82e1278abb02f:68) FOUND\0",
            infected("Eicar(44d88612fea8a8f36de82e1278abb02f:68)"),
        ),
        (b"stream: \x1b[2J\xd0\x9a FOUND\0", infected("?[2J?")),
        (named, infected(&"x".repeat(200))),
        (b"stream: Heuristics.Encrypted.Zip FOUND\0", Verdict::NotScanned(NotScanned::Encrypted)),
        (b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0", Verdict::NotScanned(NotScanned::ScannersBound)),
        (b"INSTREAM size limit exceeded. ERROR\0", Verdict::NotScanned(NotScanned::ScannersBound)),
        (b"COMMAND READ TIMED OUT\n", Verdict::NotScanned(NotScanned::ScannersBound)),
        (b"stream: Can't allocate memory ERROR\0", Verdict::NotScanned(NotScanned::ScannerFailed)),
        (b"", Verdict::NotScanned(NotScanned::BrokenOff)),
        (b"\0", unintelligible("scan.answer_empty")),
        (b"stream: OK", unintelligible("scan.answer_unterminated")),
        (b"stream: O", unintelligible("scan.answer_unterminated")),
        (b"stream: OK\0stream: Eicar FOUND\0", unintelligible("scan.answer_trailing")),
        (long, unintelligible("scan.answer_too_long")),
        (b"stream: \xff FOUND\0", unintelligible("scan.answer_not_text")),
        (b"stream:  FOUND\0", unintelligible("scan.answer_unnamed")),
        (b"stream: FOUND\0", unintelligible("scan.answer_unnamed")),
        (b"stream: OK FOUND OK\0", unintelligible("scan.answer_unknown")),
        (b"UNKNOWN COMMAND\0", unintelligible("scan.answer_unknown")),
    ];
    for (answer, expected) in answers {
        let clamd = FalseClamd::new(Script::Say(answer));
        let found = scan(&clamd.client(1000, PATIENT), &[b"document"]).await;
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(answer));
    }
}

#[tokio::test]
async fn a_clamd_that_is_not_there_or_too_slow_is_no_verdict() {
    let nowhere = ClamdAddress::Unix(PathBuf::from("/nonexistent/clamd.ctl"));
    let verdict = scan(&Clamd::new(nowhere, 1000, PATIENT, noon()), &[EICAR]).await;
    assert_eq!(verdict, Verdict::NotScanned(NotScanned::Unreachable));
    let silent = FalseClamd::new(Script::Silence);
    let verdict = scan(&silent.client(1000, Deadlines { answer: SHORT, ..PATIENT }), &[EICAR]).await;
    assert_eq!(verdict, Verdict::NotScanned(NotScanned::TooSlow));
    let deaf = FalseClamd::new(Script::Deaf);
    let large = vec![0; 64 << 20];
    let verdict = scan(&deaf.client(1 << 30, Deadlines { piece: SHORT, ..PATIENT }), &[&large]).await;
    assert_eq!(verdict, Verdict::NotScanned(NotScanned::TooSlow));
}

#[tokio::test]
async fn a_clamd_that_goes_away_is_asked_for_its_last_words() {
    let large = vec![b'a'; 16 << 20];
    for (words, expected) in [
        (&b""[..], Verdict::NotScanned(NotScanned::BrokenOff)),
        (b"INSTREAM size limit exceeded. ERROR\0", Verdict::NotScanned(NotScanned::ScannersBound)),
        (b"stream: Eicar FOUND\0", infected("Eicar")),
        (b"stream: OK\0", Verdict::NotScanned(NotScanned::Unintelligible("scan.answer_premature"))),
    ] {
        let clamd = FalseClamd::new(Script::After(100_000, words));
        let verdict = scan(&clamd.client(1 << 30, PATIENT), &[&large, EICAR]).await;
        assert_eq!(verdict, expected, "{}", String::from_utf8_lossy(words));
    }
}

#[tokio::test]
async fn a_verdict_that_came_before_the_document_is_none() {
    let clamd = FalseClamd::new(Script::First(b"stream: OK\0"));
    let client = clamd.client(1000, PATIENT);
    let mut scan = client.begin().await;
    scan.feed(b"half of it").await;
    // Until the words are there; the document is what the false clamd would take in next.
    tokio::time::sleep(SHORT).await;
    scan.feed(b"the rest").await;
    assert_eq!(scan.finish().await, Verdict::NotScanned(NotScanned::Unintelligible("scan.answer_premature")));
}

#[tokio::test]
async fn what_is_too_large_is_not_sent_and_not_called_clean() {
    let clamd = FalseClamd::new(Script::Scan);
    let client = clamd.client(1000, PATIENT);
    assert_eq!(scan(&client, &[&[0; 600], &[0; 400]]).await, Verdict::Clean);
    let verdict = scan(&client, &[&[0; 600], &[0; 401], EICAR]).await;
    assert_eq!(verdict, Verdict::NotScanned(NotScanned::TooLarge));
    assert_eq!(clamd.document().len(), 1000);
}

#[tokio::test]
async fn scans_wait_for_a_place_and_not_for_ever() {
    let clamd = FalseClamd::new(Script::Scan);
    let client = clamd.client(1000, Deadlines { connect: SHORT, ..PATIENT });
    let mut held = Vec::new();
    for _ in 0..SCANS {
        held.push(client.begin().await);
    }
    assert_eq!(scan(&client, &[b"one more"]).await, Verdict::NotScanned(NotScanned::Busy));
    held.pop();
    assert_eq!(scan(&client, &[EICAR]).await, infected("Eicar-Signature"));
}

#[test]
fn without_an_address_there_is_no_scanner() {
    assert!(Clamd::of_config(&ScanConfig::default(), noon()).is_none());
    let clamd = Some(ClamdAddress::Tcp("127.0.0.1:1".to_owned()));
    assert!(Clamd::of_config(&ScanConfig { clamd, ..ScanConfig::default() }, noon()).is_some());
}

/// A real clamd over a database of one signature, in a folder of its own.
struct RealClamd {
    folder: tempfile::TempDir,
    process: std::process::Child,
}

impl RealClamd {
    /// None where clamd is not installed, or does not come up.
    async fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let signature = format!("Vuzol.Test.Eicar:0:*:{}\n", crypto::digest::hex(EICAR));
        std::fs::create_dir(path("database")).unwrap();
        std::fs::write(path("database/test.ndb"), signature).unwrap();
        let lines = [
            format!("LocalSocket {}\nDatabaseDirectory {}", path("clamd.ctl"), path("database")),
            "Foreground yes\nStreamMaxLength 1M\nMaxFileSize 512K\nAlertExceedsMax yes\nReadTimeout 2\nCommandReadTimeout 2\n"
                .to_owned(),
        ];
        std::fs::write(path("clamd.conf"), lines.join("\n")).unwrap();
        let mut command = std::process::Command::new("clamd");
        command.arg("--config-file").arg(path("clamd.conf")).stdout(std::process::Stdio::null());
        let process = command.stderr(std::process::Stdio::null()).spawn().ok()?;
        let real = Self { folder, process };
        for _ in 0..300 {
            if UnixStream::connect(real.folder.path().join("clamd.ctl")).await.is_ok() {
                return Some(real);
            }
            tokio::time::sleep(SHORT).await;
        }
        None
    }
}

impl Drop for RealClamd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn the_real_clamd_answers_as_the_false_one() {
    let Some(real) = RealClamd::start().await else {
        println!("clamd is not installed: not compared");
        return;
    };
    let client = Clamd::new(ClamdAddress::Unix(real.folder.path().join("clamd.ctl")), 1 << 30, PATIENT, noon());
    assert_eq!(scan(&client, &[b"a letter"]).await, Verdict::Clean);
    assert_eq!(scan(&client, &[]).await, Verdict::Clean);
    assert_eq!(scan(&client, &[&EICAR[..20], &EICAR[20..]]).await, infected("Vuzol.Test.Eicar.UNOFFICIAL"));
    let beyond = [EICAR, &[b'a'; 600 * 1024]].concat();
    assert_eq!(scan(&client, &[&beyond]).await, Verdict::NotScanned(NotScanned::ScannersBound), "MaxFileSize");
    assert_eq!(
        scan(&client, &[&vec![b'a'; 8 << 20]]).await,
        Verdict::NotScanned(NotScanned::ScannersBound),
        "StreamMaxLength"
    );
    let mut slow = client.begin().await;
    slow.feed(b"half of it").await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    slow.feed(b"the rest").await;
    assert_eq!(slow.finish().await, Verdict::NotScanned(NotScanned::ScannersBound), "ReadTimeout");
}

#[tokio::test]
async fn a_clamd_that_is_not_there_is_left_alone_for_a_while_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, clock) = (folder.path().join("clamd.ctl"), noon());
    let clamd = Clamd::new(ClamdAddress::Unix(socket.clone()), 1000, PATIENT, clock.clone());
    for _ in 0..3 {
        assert_eq!(scan(&clamd, &[b"x"]).await, Verdict::NotScanned(NotScanned::Unreachable));
    }
    let listener = UnixListener::bind(&socket).unwrap();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        play(Script::Scan, stream, Arc::default()).await;
    });
    assert_eq!(
        scan(&clamd, &[b"x"]).await,
        Verdict::NotScanned(NotScanned::Unreachable),
        "it rests, although it is back"
    );
    clock.advance(time::Duration::seconds(10));
    assert_eq!(scan(&clamd, &[EICAR]).await, infected("Eicar-Signature"));
    serving.await.unwrap();
}

#[tokio::test]
async fn no_document_can_switch_the_scanner_off() {
    let deadlines = Deadlines { answer: SHORT, ..PATIENT };
    let silent = FalseClamd::new(Script::Silence);
    let client = silent.client(1000, deadlines);
    for _ in 0..5 {
        assert_eq!(scan(&client, &[b"slow"]).await, Verdict::NotScanned(NotScanned::TooSlow));
    }
}
