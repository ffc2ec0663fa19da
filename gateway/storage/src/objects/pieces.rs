//! A range of an object, piece by piece: one is read while the one before it is on its way.

use super::cache::{LARGE_BYTES, PAGE_BYTES, on_a_boundary, past_the_cache, through_the_cache};
use crate::store::StoreError;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use tokio::task::JoinHandle;

/// A page and a large object's unit, as offsets in a file.
const PAGE: u64 = PAGE_BYTES as u64;
const LARGE: u64 = LARGE_BYTES as u64;

/// What is read: a piece, and where it goes on.
type Reading = JoinHandle<io::Result<(Bytes, Option<Rest>)>>;

struct Rest {
    file: File,
    range: Range<u64>,
}

/// `range` of a file that is `size` bytes long, in pieces of at most [`LARGE_BYTES`].
pub(super) fn pieces(
    file: File,
    size: u64,
    range: Range<u64>,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + use<> {
    if size >= LARGE {
        past_the_cache(&file);
    }
    try_unfold(Rest { file, range }.read(), async |reading| {
        let Some(reading) = reading else { return Ok(None) };
        let read = reading.await.map_err(|_| StoreError::Closed)?;
        let (piece, rest) = read.map_err(|error| StoreError::Objects(error.to_string()))?;
        Ok(Some((piece, rest.and_then(Rest::read))))
    })
}

impl Rest {
    /// Begins to read the next piece, where there is one.
    fn read(self) -> Option<Reading> {
        (!self.range.is_empty()).then(|| tokio::task::spawn_blocking(move || self.next()))
    }

    fn next(mut self) -> io::Result<(Bytes, Option<Self>)> {
        let first = self.range.start / PAGE * PAGE;
        let end = self.range.end.min(first.saturating_add(LARGE));
        let wanted = usize::try_from(end - first).unwrap_or(LARGE_BYTES);
        let room = wanted.next_multiple_of(PAGE_BYTES);
        let (start, mut bytes) = on_a_boundary(room);
        bytes.resize(start + room, 0);
        self.file.seek(SeekFrom::Start(first))?;
        fill(&self.file, &mut bytes[start..], wanted)?;
        let before = usize::try_from(self.range.start - first).unwrap_or(0);
        let piece = Bytes::from(bytes).slice(start + before..start + wanted);
        self.range.start = end;
        Ok((piece, Some(self)))
    }
}

/// Reads `wanted` bytes, and more where there is room.
fn fill(mut file: &File, room: &mut [u8], wanted: usize) -> io::Result<()> {
    let mut filled = 0;
    while filled < wanted {
        match file.read(room.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::InvalidInput && through_the_cache(file) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt, TryStreamExt};

    async fn read(file: &tempfile::NamedTempFile, size: u64, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let pieces: Vec<_> = pieces(file.reopen().unwrap(), size, range).try_collect().await?;
        assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= LARGE_BYTES));
        Ok(pieces.concat())
    }

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    #[tokio::test]
    async fn every_range_is_what_lies_there_past_the_cache_and_through_it() {
        let content: Vec<u8> = (0_u32..400_000).flat_map(u32::to_le_bytes).collect();
        let file = file(&content);
        let size = content.len() as u64;
        let ends = [0, 1, PAGE - 1, PAGE, PAGE + 1, LARGE - 1, LARGE, LARGE + 1, 3 * LARGE + 5, size - 1, size];
        for start in ends {
            for end in ends.into_iter().filter(|end| *end >= start) {
                let expected = &content[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
                assert!(read(&file, size, start..end).await.unwrap() == expected, "{start}..{end}");
                assert!(read(&file, 0, start..end).await.unwrap() == expected, "{start}..{end} through the cache");
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_ends_too_early_is_an_error_and_no_shorter_range() {
        for length in [LARGE_BYTES, LARGE_BYTES + PAGE_BYTES, LARGE_BYTES + 77] {
            let file = file(&vec![7; length]);
            let mut pieces = pieces(file.reopen().unwrap(), LARGE, 0..length as u64 + 1).boxed();
            let mut last = pieces.next().await;
            while let Some(Ok(_)) = last {
                last = pieces.next().await;
            }
            assert!(matches!(last, Some(Err(StoreError::Objects(_)))), "{length}");
            assert!(pieces.next().await.is_none(), "nothing follows it");
        }
    }
}
