//! The multipart body of a submission (RFC 7578), read strictly and as it arrives.
//!
//! Why not the framework's extractor: it takes whatever the connection holds into one buffer, bounds neither a part's
//! headers nor a part before it has been read, and does not mind what follows the last boundary. Here each part has its
//! name and its bound before its first byte is taken, at most one network read beyond the bound is held, and after the
//! last part there is nothing. No preamble, no epilogue but a line end, no padding after a boundary: RFC 2046 allows them
//! to senders of mail, nobody sends them in forms, and two readers could disagree about them.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::future::poll_fn;
use http::{HeaderMap, header};
use memchr::memmem;
use schemas::ProblemCode;

use super::extract::media_type;
use super::problem::Failure;

/// Bytes of the headers of one part.
const PART_HEADER_BYTES: usize = 4 * 1024;

/// Longest boundary (RFC 2046, 5.1.1).
const BOUNDARY_CHARACTERS: usize = 70;

/// Where the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before a boundary that must come next.
    Between,
    /// In the content of a part.
    Inside,
    /// The delimiter that ends the part was taken; what follows it says whether another part comes.
    Closed,
    /// Past the last boundary and the end of the body.
    Finished,
}

/// Reads parts one after the other.
pub(crate) struct Multipart<B> {
    body: B,
    buffer: BytesMut,
    /// `CR LF -- boundary`.
    delimiter: Vec<u8>,
    /// Looks for the delimiter.
    finder: memmem::Finder<'static>,
    place: Place,
    exhausted: bool,
}

impl<B: Stream<Item = Result<Bytes, ProblemCode>> + Unpin> Multipart<B> {
    /// Takes the boundary from the request's headers.
    ///
    /// # Errors
    /// `request.unsupported_media_type` for anything but `multipart/form-data`, `request.malformed_multipart` without a
    /// usable boundary.
    pub(crate) fn open(headers: &HeaderMap, body: B) -> Result<Self, Failure> {
        media_type(headers, "multipart/form-data")?;
        let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = parameter(value, "boundary").ok_or_else(|| malformed("no boundary"))?;
        if boundary.is_empty() || boundary.len() > BOUNDARY_CHARACTERS || !boundary.bytes().all(is_boundary_character) {
            return Err(malformed("the boundary is not one of RFC 2046"));
        }
        // The first boundary has no line before it; supplied here, it is like every other.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        let finder = memmem::Finder::new(&delimiter).into_owned();
        Ok(Self { body, buffer, delimiter, finder, place: Place::Between, exhausted: false })
    }

    /// Begins the next part, which must be `name`, and returns its media type.
    ///
    /// # Errors
    /// `request.malformed_multipart` when another part, or none, comes; what ended the body.
    pub(crate) async fn part(&mut self, name: &str) -> Result<Option<String>, Failure> {
        if self.place == Place::Between {
            let expected = self.delimiter.len();
            self.at_least(expected).await?;
            if !self.buffer.starts_with(&self.delimiter) {
                return Err(malformed("the body does not begin with its boundary"));
            }
            let _ = self.buffer.split_to(expected);
            self.place = Place::Closed;
        }
        if self.place != Place::Closed {
            return Err(malformed("a part was not read to its end"));
        }
        self.at_least(2).await?;
        if !self.buffer.starts_with(b"\r\n") {
            return Err(malformed(format!("the part \"{name}\" is missing")));
        }
        // The line end stays: headers then end in an empty line even when there are none.
        let headers = self.part_headers().await?;
        self.place = Place::Inside;
        match read_headers(&headers)? {
            (found, media_type) if found == name => Ok(media_type),
            _ => Err(malformed(format!("expected the part \"{name}\""))),
        }
    }

    /// The whole content of the part, of at most `limit` bytes.
    ///
    /// # Errors
    /// `request.too_large`; what ended the body.
    pub(crate) async fn content(&mut self, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut content = Vec::new();
        while let Some(piece) = poll_fn(|context| self.poll_content(context)).await {
            let piece = piece?;
            if content.len() + piece.len() > limit {
                return Err(Failure::new(ProblemCode::TooLarge).detail(format!("a part has at most {limit} bytes")));
            }
            content.extend_from_slice(&piece);
        }
        Ok(content)
    }

    /// The content of the last part as a stream of at most `limit` bytes, which ends only if the body ends with it.
    pub(crate) fn last(self, limit: u64) -> LastPart<B> {
        LastPart { multipart: self, left: limit, failed: false }
    }

    /// The next piece of the part's content; `None` when its delimiter was taken. A piece of the body in which no delimiter begins is handed
    /// on as it came: of a large part hardly a byte is copied here.
    fn poll_content(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, ProblemCode>>> {
        loop {
            if self.place != Place::Inside {
                return Poll::Ready(None);
            }
            if self.buffer.is_empty() {
                let mut piece = match ready!(self.poll_piece(context)) {
                    Ok(piece) => piece,
                    Err(code) => return Poll::Ready(Some(Err(code))),
                };
                if self.finder.find(&piece).is_none() {
                    let rest = piece.split_off(self.certain(&piece));
                    self.buffer.extend_from_slice(&rest);
                    if piece.is_empty() { continue } else { return Poll::Ready(Some(Ok(piece))) }
                }
                self.buffer.extend_from_slice(&piece);
            }
            if let Some(at) = self.finder.find(&self.buffer) {
                let content = self.buffer.split_to(at).freeze();
                let _ = self.buffer.split_to(self.delimiter.len());
                self.place = Place::Closed;
                return if content.is_empty() { Poll::Ready(None) } else { Poll::Ready(Some(Ok(content))) };
            }
            let certain = self.certain(&self.buffer);
            if certain > 0 {
                return Poll::Ready(Some(Ok(self.buffer.split_to(certain).freeze())));
            }
            if let Err(code) = ready!(self.poll_more(context)) {
                return Poll::Ready(Some(Err(code)));
            }
        }
    }

    /// How many of these bytes, which hold no delimiter, are before one that may begin in them.
    fn certain(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(self.delimiter.len() - 1);
        let begins = |at: &usize| self.delimiter.starts_with(bytes.get(*at..).unwrap_or_default());
        (from..bytes.len()).find(begins).unwrap_or(bytes.len())
    }

    /// What follows the last part: `--`, a line end or none, the end of the body.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ProblemCode>> {
        const ENDS: [&[u8]; 2] = [b"--", b"--\r\n"];
        while self.place != Place::Finished {
            let begins_right = b"--\r\n".starts_with(&self.buffer);
            if !begins_right {
                return Poll::Ready(Err(ProblemCode::MalformedMultipart));
            }
            if self.exhausted {
                let complete = ENDS.contains(&&self.buffer[..]);
                self.place = Place::Finished;
                return Poll::Ready(if complete { Ok(()) } else { Err(ProblemCode::TruncatedBody) });
            }
            match ready!(self.poll_more(context)) {
                Ok(()) => {}
                Err(ProblemCode::TruncatedBody) if self.exhausted => {}
                Err(code) => return Poll::Ready(Err(code)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes one piece from the body into the buffer; its end is `request.truncated_body`, which only [`Self::poll_end`] forgives.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ProblemCode>> {
        let piece = ready!(self.poll_piece(context));
        Poll::Ready(piece.map(|piece| self.buffer.extend_from_slice(&piece)))
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, ProblemCode>> {
        Poll::Ready(match ready!(Pin::new(&mut self.body).poll_next(context)) {
            Some(piece) => piece,
            None => {
                self.exhausted = true;
                Err(ProblemCode::TruncatedBody)
            }
        })
    }

    async fn at_least(&mut self, bytes: usize) -> Result<(), Failure> {
        while self.buffer.len() < bytes {
            poll_fn(|context| self.poll_more(context)).await?;
        }
        Ok(())
    }

    /// Takes the headers with the empty line that ends them.
    async fn part_headers(&mut self) -> Result<Bytes, Failure> {
        const END: &[u8] = b"\r\n\r\n";
        loop {
            let searched = self.buffer.get(..PART_HEADER_BYTES).unwrap_or(&self.buffer);
            if let Some(at) = memmem::find(searched, END) {
                return Ok(self.buffer.split_to(at + END.len()).freeze());
            }
            if self.buffer.len() >= PART_HEADER_BYTES {
                return Err(malformed(format!("the headers of a part have at most {PART_HEADER_BYTES} bytes")));
            }
            poll_fn(|context| self.poll_more(context)).await?;
        }
    }
}

/// The last part as it arrives. An error is its last item: a body that is cut, too large, too slow, or goes on.
pub(crate) struct LastPart<B> {
    multipart: Multipart<B>,
    left: u64,
    failed: bool,
}

impl<B: Stream<Item = Result<Bytes, ProblemCode>> + Unpin> Stream for LastPart<B> {
    type Item = Result<Bytes, ProblemCode>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.failed {
            return Poll::Ready(None);
        }
        let item = match ready!(self.multipart.poll_content(context)) {
            Some(Ok(piece)) => match self.left.checked_sub(piece.len() as u64) {
                Some(left) => {
                    self.left = left;
                    Some(Ok(piece))
                }
                None => Some(Err(ProblemCode::TooLarge)),
            },
            Some(Err(code)) => Some(Err(code)),
            None => ready!(self.multipart.poll_end(context)).err().map(Err),
        };
        self.failed = matches!(item, Some(Err(_)));
        Poll::Ready(item)
    }
}

/// Name and media type from the headers of a part.
fn read_headers(headers: &[u8]) -> Result<(String, Option<String>), Failure> {
    let text = std::str::from_utf8(headers).map_err(|_| malformed("the headers of a part are not text"))?;
    let (mut name, mut media_type) = (None, None);
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let (field, value) = line.split_once(':').ok_or_else(|| malformed("a header of a part has no colon"))?;
        let slot = match field.to_ascii_lowercase().as_str() {
            "content-disposition" => {
                let form = value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("form-data"));
                let found = parameter(value, "name").filter(|_| form);
                name.replace(found.ok_or_else(|| malformed("a part is not form-data with a name"))?)
            }
            "content-type" => {
                let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
                media_type.replace(essence)
            }
            "content-transfer-encoding" => return Err(malformed("transfer encodings are not supported")),
            _ => None,
        };
        if slot.is_some() {
            return Err(Failure::new(ProblemCode::RepeatedHeader).detail(field.to_ascii_lowercase()));
        }
    }
    Ok((name.ok_or_else(|| malformed("a part has no name"))?, media_type))
}

/// A parameter of a header value, token or quoted string; `None` when it is missing, repeated or malformed.
fn parameter(value: &str, name: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    let mut found = None;
    loop {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (content, tail) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim_end().to_owned(), &after[end..])
            }
        };
        if key.trim().eq_ignore_ascii_case(name) && found.replace(content).is_some() {
            return None;
        }
        match tail.trim_start().strip_prefix(';') {
            Some(next) if !next.trim().is_empty() => rest = next,
            Some(_) => return found,
            None => return tail.trim().is_empty().then_some(found).flatten(),
        }
    }
}

/// The content of a quoted string whose opening quote was taken, and what follows its end.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((content, &text[at + 1..])),
            '\\' => content.push(characters.next()?.1),
            c => content.push(c),
        }
    }
    None
}

fn is_boundary_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte)
}

fn malformed(detail: impl Into<String>) -> Failure {
    Failure::new(ProblemCode::MalformedMultipart).detail(detail)
}

#[cfg(test)]
#[path = "multipart_tests.rs"]
mod tests;
