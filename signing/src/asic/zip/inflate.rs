//! The content of an entry, streamed through buffers of fixed size: DEFLATE (RFC 1951) and stored data.

use crypto::digest::{DigestAlgorithm, Digester};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, TINFL_LZ_DICT_SIZE, decompress};

use super::{ContainerError, Entry, Source};

/// Octets read at once.
const INPUT_OCTETS: usize = 64 * 1024;

/// The octets of an entry as they lie in the archive, a buffer at a time.
struct Input<'a, S> {
    source: &'a S,
    at: u64,
    /// What is not in the buffer yet.
    remaining: u64,
    buffer: Vec<u8>,
}

impl<'a, S: Source> Input<'a, S> {
    fn new(source: &'a S, at: u64, remaining: u64) -> Self {
        Self { source, at, remaining, buffer: Vec::new() }
    }

    /// The next octets; none at the end.
    fn next(&mut self) -> Result<&[u8], ContainerError> {
        let length = usize::try_from(self.remaining).map_or(INPUT_OCTETS, |remaining| remaining.min(INPUT_OCTETS));
        self.buffer.resize(length, 0);
        self.source.read_at(self.at, &mut self.buffer).map_err(|_| ContainerError::Source)?;
        self.at = self.at.saturating_add(length as u64);
        self.remaining = self.remaining.saturating_sub(length as u64);
        Ok(&self.buffer)
    }
}

/// SHA-256 of everything.
pub(super) fn digest<S: Source>(source: &S) -> Result<[u8; 32], ContainerError> {
    let mut input = Input::new(source, 0, source.size());
    let mut digester = Digester::new(DigestAlgorithm::Sha256);
    while input.remaining > 0 {
        digester.update(input.next()?);
    }
    let mut value = [0; 32];
    value.copy_from_slice(digester.finish().as_bytes());
    Ok(value)
}

/// Hands stored content to `sink`.
pub(super) fn copy<S: Source>(source: &S, entry: &Entry, mut sink: impl FnMut(&[u8])) -> Result<(), ContainerError> {
    let mut input = Input::new(source, entry.data, entry.compressed);
    while input.remaining > 0 {
        sink(input.next()?);
    }
    Ok(())
}

/// Hands inflated content to `sink`. The stream must end exactly where the entry ends, with exactly the size that was stated; it is
/// not followed further than that.
pub(super) fn inflate<S: Source>(source: &S, entry: &Entry, mut sink: impl FnMut(&[u8])) -> Result<(), ContainerError> {
    let mut input = Input::new(source, entry.data, entry.compressed);
    let mut state = Box::<DecompressorOxide>::default();
    let mut window = vec![0; TINFL_LZ_DICT_SIZE];
    let (mut position, mut produced) = (0, 0_u64);
    loop {
        input.next()?;
        let flags = if input.remaining > 0 { TINFL_FLAG_HAS_MORE_INPUT } else { 0 };
        let mut pending = input.buffer.as_slice();
        loop {
            let (status, taken, written) = decompress(&mut state, pending, &mut window, position, flags);
            pending = pending.get(taken..).unwrap_or_default();
            produced = produced.saturating_add(written as u64);
            if produced > entry.size {
                return Err(ContainerError::DamagedEntry);
            }
            sink(window.get(position..position + written).unwrap_or_default());
            position = (position + written) % TINFL_LZ_DICT_SIZE;
            match status {
                TINFLStatus::Done if pending.is_empty() && input.remaining == 0 && produced == entry.size => {
                    return Ok(());
                }
                TINFLStatus::HasMoreOutput if taken > 0 || written > 0 => {}
                TINFLStatus::NeedsMoreInput if pending.is_empty() && input.remaining > 0 => break,
                _ => return Err(ContainerError::DamagedEntry),
            }
        }
    }
}
