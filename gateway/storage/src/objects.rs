//! Large immutable objects: object_store over a folder (fsync on) or S3. Staged, then committed by the database row; orphans are swept.
use crate::store::StoreError;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::path::Path;
#[derive(Clone)]
pub struct Objects { inner: () }
impl Objects {
    pub fn open_folder(_path: &Path) -> Result<Self, StoreError> { todo!() }
    /// Create-only, durable on return; an existing object with the same bytes is fine, with others it is Conflict.
    pub async fn put_new(&self, _key: &str, _bytes: Bytes) -> Result<(), StoreError> { todo!() }
    /// Replaces (for the checkpoint file only), durable on return.
    pub async fn put(&self, _key: &str, _bytes: Bytes) -> Result<(), StoreError> { todo!() }
    /// Streaming upload, bounded memory.
    pub async fn upload(&self, _key: &str) -> Result<Upload, StoreError> { todo!() }
    pub async fn read(&self, _key: &str) -> Result<Option<Bytes>, StoreError> { todo!() }
    pub async fn read_range(&self, _key: &str, _range: std::ops::Range<u64>) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> { todo!() }
    pub async fn delete(&self, _key: &str) -> Result<(), StoreError> { todo!() }
    pub async fn list(&self, _prefix: &str) -> Result<Vec<(String, u64, time::OffsetDateTime)>, StoreError> { todo!() }
}
/// Dropped without `finish`: nothing stays visible.
pub struct Upload { inner: () }
impl Upload {
    pub async fn write(&mut self, _bytes: Bytes) -> Result<(), StoreError> { todo!() }
    /// Durable on return.
    pub async fn finish(self) -> Result<(), StoreError> { todo!() }
    pub async fn abort(self) { todo!() }
}
