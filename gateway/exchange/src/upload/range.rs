//! Ranges of a part: sealed while they stream in, durable before the answer, the same again when they come again.

use access::Permit;
use access::decide::CompleteSubmission;
use audit::{Action, EventDraft, Outcome};
use bytes::Bytes;
use crypto::digest::hex;
use crypto::seal::DocumentKey;
use futures_util::Stream;
use schemas::announcement::UploadedPart;
use schemas::limits::RANGE_BYTES;
use schemas::message::Part;
use schemas::{MessageId, ProblemCode};
use storage::{StoreError, TxError};

use super::send::{ends, envelope_of};
use super::{NotTaken, object_of, uploaded};
use crate::intake::receive::{Place, Received, Receiving};
use crate::intake::{BodyError, PARTS, read_only, seal_context};
use crate::refusal::Refusal;
use crate::screening::PartScreen;
use crate::service::Exchange;
use crate::tables::{self, Announced, Finished, UploadPart, UploadRange};

/// Which bytes of a part come, as `Content-Range` says it (RFC 9110, 14.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    /// The first.
    pub start: u64,
    /// The one after the last.
    pub end: u64,
    /// Size of the whole part.
    pub total: u64,
}

/// What is said of an upload beside its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct PartUpload {
    /// Which bytes come; None: the whole part.
    pub range: Option<ContentRange>,
    /// SHA-256 of what comes (`Content-Digest`, RFC 9530, 2).
    pub content: Option<[u8; 32]>,
    /// SHA-256 of the whole part (`Repr-Digest`, RFC 9530, 3).
    pub whole: Option<[u8; 32]>,
}

/// A range on its way.
struct Coming {
    id: MessageId,
    number: u8,
    start: u64,
    end: u64,
    /// Size of the part.
    size: u64,
    /// What is stated of the whole.
    stated: Option<[u8; 32]>,
}

impl Coming {
    fn is_whole(&self) -> bool {
        self.start == 0 && self.end == self.size
    }

    fn length(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// A place of its own for each try: two tries at once must not write one object.
    fn place(&self) -> Place {
        let context = if self.is_whole() {
            seal_context(self.id, self.number).to_vec()
        } else {
            range_context(self.id, self.number, self.start)
        };
        Place { object_key: object_key(self.id, self.number), context }
    }
}

impl Exchange {
    /// Takes a range of a part in, or a whole part. On return it is durable. A range that is durable already is compared
    /// and not kept again.
    ///
    /// # Errors
    /// `NotFound` where there is no such part; `AnnouncementLapsed`, `SubmissionSent`, `SubmissionEnded`;
    /// `RangeNotSatisfiable`, `RangeNotNext`, `RangeDiffers`, `DigestMismatch`; `TooLarge` and `TruncatedBody` where more or
    /// less comes than was said; `ContentInfected` and `ContentNotScannable`, which end the submission; `ScannerUnavailable`; otherwise when
    /// the store fails. Nothing of a refused range is kept.
    pub async fn upload<S>(
        &self,
        permit: &Permit<CompleteSubmission>,
        number: u8,
        upload: PartUpload,
        content: &mut S,
    ) -> Result<UploadedPart, Refusal>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
    {
        let announced = self.open_announcement(permit.resource().message).await?;
        let part = announced.parts.iter().find(|part| part.number == number).ok_or(ProblemCode::NotFound)?;
        let coming = coming(announced.message.id, part, &upload)?;
        if coming.start < part.received {
            return self.again(permit, &coming, upload.content, content).await;
        }
        if coming.start > part.received {
            return Err(not_next(part.received));
        }
        let key = self.ring_key(&announced)?;
        let screen = if coming.is_whole() { self.screen_part(&announced, part).await? } else { None };
        let received = self.receive(&coming, &key, upload.content, screen, content).await?;
        let received = self.unless_stopped(permit, &announced, part, received).await?;
        self.keep(permit, &announced, &coming, &key, received).await
    }

    /// Reads the range and seals it. Nothing is visible yet.
    async fn receive<S>(
        &self,
        coming: &Coming,
        key: &DocumentKey,
        stated: Option<[u8; 32]>,
        screen: Option<PartScreen>,
        content: &mut S,
    ) -> Result<Received, Refusal>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
    {
        let receiving = Receiving::new(&self.inner.objects, coming.place(), key, &[], coming.length());
        let received = receiving.screened(screen).read(content).await?;
        let whole = coming.stated.filter(|_| coming.is_whole());
        let refusal = if received.size < coming.length() {
            Some(ProblemCode::TruncatedBody)
        } else {
            let differs = |stated: [u8; 32]| stated != received.sha256;
            stated.into_iter().chain(whole).any(differs).then_some(ProblemCode::DigestMismatch)
        };
        match refusal {
            None => Ok(received),
            Some(code) => {
                received.abort().await;
                Err(code.into())
            }
        }
    }

    /// A part that comes whole is scanned as it comes, and one in ranges when they are joined: a scanner must see all of it at once.
    async fn screen_part(&self, announced: &Announced, part: &UploadPart) -> Result<Option<PartScreen>, Refusal> {
        match self.inner.screening {
            Some(_) => self.screen(&envelope_of(&announced.message), part.role).await,
            None => Ok(None),
        }
    }

    /// A part that the scanner stops for good ends the submission, with evidence A.2 that names what was recognised in it.
    async fn unless_stopped(
        &self,
        permit: &Permit<CompleteSubmission>,
        announced: &Announced,
        part: &UploadPart,
        received: Received,
    ) -> Result<Received, Refusal> {
        let Some(refusal) = received.stopped() else { return Ok(received) };
        let stopped = Part { media_type: Some(part.media_type.clone()), ..received.part() };
        let stopped = Part { number: part.number, role: part.role, of: part.of, ..stopped };
        received.abort().await;
        let detail = format!("part {}: {}", part.number, refusal.detail.as_deref().unwrap_or_default());
        let refusal = Refusal { detail: Some(detail), ..refusal };
        if ends(&refusal) {
            Err(self.reject_sent(permit, announced, vec![stopped], refusal).await?)
        } else {
            Err(refusal)
        }
    }

    /// Makes the range durable; with the last one, the part.
    async fn keep(
        &self,
        permit: &Permit<CompleteSubmission>,
        announced: &Announced,
        coming: &Coming,
        key: &DocumentKey,
        received: Received,
    ) -> Result<UploadedPart, Refusal> {
        let whole = received.whole();
        let (sha256, sealed_size, scan) = (whole.sha256, whole.sealed_size, received.mark());
        let content = received.finish().await?;
        let mut range =
            UploadRange { start: coming.start, length: coming.length(), sha256, sealed_size, content: Some(content) };
        // What this try has made: where it comes to nothing, nobody else names it.
        let mut made = objects_of([&range]);
        let mut superseded = Vec::new();
        let finished = if coming.is_whole() {
            range.content.take().map(|content| Finished { whole, content, scan })
        } else if coming.end == coming.size {
            match self.join(permit, announced, coming, key, &range).await {
                Ok((finished, ranges)) => {
                    superseded = objects_of(ranges.iter().chain([&range]));
                    made.extend(finished.content.object_key());
                    range.content = None;
                    Some(finished)
                }
                Err(refusal) => {
                    self.unstage(&made).await;
                    // Another request may have joined the part meanwhile, and taken away what this one was reading.
                    let lost = matches!(refusal.code, ProblemCode::Internal | ProblemCode::StorageUnavailable);
                    let overtaken = if lost { self.overtaken(permit, coming, &sha256).await.ok() } else { None };
                    return overtaken.ok_or(refusal);
                }
            }
        } else {
            None
        };
        match self.commit_range(permit, coming, range, finished).await {
            Ok(()) => {
                self.unstage(&superseded).await;
                self.uploaded_part(announced.message.id, coming.number).await
            }
            Err(TxError::Refused(NotTaken::Moved)) => {
                self.unstage(&made).await;
                self.overtaken(permit, coming, &sha256).await
            }
            Err(TxError::Refused(NotTaken::Store(error))) => {
                self.unstage(&made).await;
                Err(error.into())
            }
            // It may have come after the commit reached the disk: then the objects are the part's; if not, the sweep finds
            // that no row names them.
            Err(TxError::Store(error)) => Err(error.into()),
        }
    }

    async fn commit_range(
        &self,
        permit: &Permit<CompleteSubmission>,
        coming: &Coming,
        range: UploadRange,
        finished: Option<Finished>,
    ) -> Result<(), TxError<NotTaken>> {
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::UploadPart,
            actor: permit.actor().pseudonym(),
            object: object_of(coming.id),
            outcome: Outcome::Done,
            details: serde_json::json!({
                "part": coming.number, "start": coming.start, "end": coming.end, "sha256": hex(&range.sha256),
            }),
        });
        let (id, number, stated) = (coming.id, coming.number, coming.stated);
        let committed = self.inner.ledger.transact("upload_range", move |tx| {
            if !tables::add_range(tx, id, number, &range, stated.as_ref(), finished.as_ref())? {
                return Err(NotTaken::Moved);
            }
            Ok::<_, NotTaken>(audit::append(tx, &event)?.with(()))
        });
        committed.await
    }

    /// The part as one sealed stream: reads what is durable and the last range, and seals it as a recipient opens it.
    /// Answers the ranges that it supersedes.
    async fn join(
        &self,
        permit: &Permit<CompleteSubmission>,
        announced: &Announced,
        coming: &Coming,
        key: &DocumentKey,
        last: &UploadRange,
    ) -> Result<(Finished, Vec<UploadRange>), Refusal> {
        let (id, number) = (coming.id, coming.number);
        let reader = self.inner.ledger.reader();
        let ranges = reader.read("upload_ranges", move |tx| tables::upload_ranges(tx, id, number)).await?;
        let place = Place { object_key: object_key(id, number), context: seal_context(id, number).to_vec() };
        let part = announced.parts.iter().find(|part| part.number == number).ok_or(ProblemCode::NotFound)?;
        let screen = self.screen_part(announced, part).await?;
        let mut whole = Receiving::new(&self.inner.objects, place, key, &[], coming.size).screened(screen);
        for range in ranges.iter().chain([last]) {
            if let Err(refusal) = self.copy(coming, key, range, &mut whole).await {
                whole.abort().await;
                return Err(refusal);
            }
        }
        let whole = whole.close().await?;
        if coming.stated.is_some_and(|stated| stated != whole.sha256) {
            whole.abort().await;
            self.forget_part(coming, &ranges).await?;
            let detail = format!("part {number} begins anew");
            return Err(Refusal::with_detail(ProblemCode::DigestMismatch, detail));
        }
        let whole = self.unless_stopped(permit, announced, part, whole).await?;
        let (known, scan) = (whole.whole(), whole.mark());
        let content = whole.finish().await?;
        Ok((Finished { whole: known, content, scan }, ranges))
    }

    async fn copy(
        &self,
        coming: &Coming,
        key: &DocumentKey,
        range: &UploadRange,
        whole: &mut Receiving<'_>,
    ) -> Result<(), Refusal> {
        let context = range_context(coming.id, coming.number, range.start);
        let content = range.content.clone().ok_or(StoreError::Corrupt("upload_range.content"))?;
        let mut unsealed = self.unseal(key, &context, content, range.sealed_size).await?;
        while let Some(piece) = unsealed.next().await? {
            whole.take(&piece).await?;
        }
        Ok(())
    }

    /// The whole is another than was stated: nobody can say which range is wrong. No deed, so no audit row but that of the
    /// refusal.
    async fn forget_part(&self, coming: &Coming, ranges: &[UploadRange]) -> Result<(), Refusal> {
        let (id, number, received) = (coming.id, coming.number, coming.start);
        let forgotten = self.inner.jobs.run_tx("reset_part", move |tx| tables::reset_part(tx, id, number, received));
        if forgotten.await? {
            self.unstage(&objects_of(ranges)).await;
        }
        Ok(())
    }

    /// A range that begins in what is durable: the same one again, or none of ours.
    async fn again<S>(
        &self,
        permit: &Permit<CompleteSubmission>,
        coming: &Coming,
        stated: Option<[u8; 32]>,
        content: &mut S,
    ) -> Result<UploadedPart, Refusal>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
    {
        // Refused before it is read, where it can only be refused.
        self.known(coming).await?;
        let sha256 = read_only(content).await?;
        if stated.is_some_and(|stated| stated != sha256) {
            return Err(ProblemCode::DigestMismatch.into());
        }
        self.overtaken(permit, coming, &sha256).await
    }

    /// The range was received before, by another request too: with the same content it is answered as then.
    async fn overtaken(
        &self,
        permit: &Permit<CompleteSubmission>,
        coming: &Coming,
        sha256: &[u8; 32],
    ) -> Result<UploadedPart, Refusal> {
        let announced = self.open_announcement(coming.id).await?;
        if self.known(coming).await? != *sha256 {
            return Err(ProblemCode::RangeDiffers.into());
        }
        let draft = EventDraft {
            action: Action::UploadPart,
            actor: permit.actor().pseudonym(),
            object: object_of(coming.id),
            outcome: Outcome::Done,
            details: serde_json::json!({ "part": coming.number, "start": coming.start, "replayed": true }),
        };
        self.inner.ledger.record(draft).await?;
        self.uploaded_part(announced.message.id, coming.number).await
    }

    /// The digest of exactly this range, where it is durable: as one range, or as the whole part.
    async fn known(&self, coming: &Coming) -> Result<[u8; 32], Refusal> {
        let (id, number) = (coming.id, coming.number);
        let found = self.inner.ledger.reader().read("known_range", move |tx| {
            let ranges = tables::upload_ranges(tx, id, number)?;
            Ok((ranges, tables::announced(tx, id)?))
        });
        let (ranges, announced) = found.await?;
        let parts = announced.map(|announced| announced.parts).unwrap_or_default();
        let part = parts.iter().find(|part| part.number == number).ok_or(ProblemCode::NotFound)?;
        let range = ranges.iter().find(|range| range.start == coming.start && range.length == coming.length());
        let whole = part.finished.filter(|_| coming.is_whole()).map(|whole| whole.sha256);
        range.map(|range| range.sha256).or(whole).ok_or_else(|| not_next(part.received))
    }

    async fn uploaded_part(&self, id: MessageId, number: u8) -> Result<UploadedPart, Refusal> {
        let announced = self.announced(id).await?;
        let part = announced.parts.iter().find(|part| part.number == number);
        part.map(uploaded).ok_or_else(|| super::closed(&announced))
    }
}

/// Which bytes of the part come, and what is stated of the whole.
fn coming(id: MessageId, part: &UploadPart, upload: &PartUpload) -> Result<Coming, Refusal> {
    let size = part.size;
    let range = upload.range.unwrap_or(ContentRange { start: 0, end: size, total: size });
    let unsatisfiable = |detail: String| Err(Refusal::with_detail(ProblemCode::RangeNotSatisfiable, detail));
    if range.total != size || range.end > size || range.start >= range.end {
        return unsatisfiable(format!("the part has {size} bytes"));
    }
    if range.end < size && range.end - range.start < RANGE_BYTES {
        return unsatisfiable(format!("a range that does not end its part has at least {RANGE_BYTES} bytes"));
    }
    let stated = part.stated.or(upload.whole);
    if upload.whole.is_some_and(|whole| Some(whole) != stated) {
        return Err(ProblemCode::DigestMismatch.into());
    }
    Ok(Coming { id, number: part.number, start: range.start, end: range.end, size, stated })
}

fn not_next(received: u64) -> Refusal {
    Refusal::with_detail(ProblemCode::RangeNotNext, format!("received so far: {received} bytes"))
}

/// What a sealed range is bound to: eight bytes longer than what a part is bound to, so that neither passes for the other.
fn range_context(id: MessageId, number: u8, start: u64) -> Vec<u8> {
    [&seal_context(id, number)[..], &start.to_be_bytes()].concat()
}

/// A key of the object store that no other try has.
fn object_key(id: MessageId, number: u8) -> String {
    format!("{PARTS}{id}/{number}.{}", hex(&crypto::random::array::<8>()))
}

fn objects_of<'a>(ranges: impl IntoIterator<Item = &'a UploadRange>) -> Vec<String> {
    ranges.into_iter().filter_map(|range| range.content.as_ref()?.object_key()).collect()
}
