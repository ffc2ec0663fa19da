//! Grows the tree by what is numbered, in rounds.
//!
//! A round: read the rows behind the committed tree; hash them; **stage** all new tiles as one durable object; **sign**
//! (the signer's memory is durable before the signature exists); **commit** size, root and checkpoint by
//! compare-and-swap; **write** the tiles; **publish** the checkpoint. The stage goes when the tiles are on disk by
//! themselves, some rounds later.
//!
//! What a crash leaves, and what the next start makes of it:
//! - before the commit: the tree is as before. The rows are numbered for good, so the same leaves come again, and the
//!   signer recognises its own tree.
//! - after it: the stages that lead to the committed tree are written out again, then it is published.
//!
//! Two processes may run rounds. The compare-and-swap lets one of them through; the other finds that the tree has moved,
//! forgets what it computed and recovers as after a crash. Tiles of one tree are the same whoever writes them, and
//! publishing only moves forward.

use crate::log::signer::{CheckpointSigner, Signing, Wanted as WantedTree};
use crate::log::stage::{STAGING, Stage, TreeHead};
use crate::log::state::{self, LogState, signed, unsigned};
use crate::log::tiles::{FULL, Tiles, Wanted, hashes};
use crate::log::{LogFailure, blocking};
use crate::log::{pruning, sequencer};
use bytes::Bytes;
use crypto::merkle::{
    Frontier, Hash, LogError, TileId, consistency_proof, empty_root, entry_bundle, leaf_hash, parse_entry_bundle,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::{Reader, StoreError, Writer};

/// Entries in one batch: bounds memory and the time until the next commit.
const BATCH: u32 = 4096;
/// Batches in one round, so that a backlog goes quickly and yet a round ends.
const BATCHES: u32 = 16;
/// Stages that may wait for their tiles to be synced: what recovery may have to write again.
const STAGES: usize = 16;
/// How long a stage may wait when little happens.
const STAGE_AGE: Duration = Duration::from_secs(2);

pub(crate) struct Integrator {
    writer: Writer,
    reader: Reader,
    tiles: Tiles,
    signer: Arc<dyn CheckpointSigner>,
    /// The committed tree; None after a failure, until it is loaded anew.
    tree: Option<Tree>,
    unsynced: Unsynced,
    /// A sync failed: what is written may not be what is on the disk.
    distrust: bool,
    #[cfg(test)]
    pub(crate) hook: Hook,
}

/// The committed tree in memory.
struct Tree {
    head: TreeHead,
    epoch: i64,
    frontier: Frontier,
    /// The entries of the partial bundle at the end.
    edge: Vec<Vec<u8>>,
}

/// How a batch went.
struct Progress {
    size: u64,
    /// The batch was full, so there may be more.
    more: bool,
}

/// What was written and not synced.
#[derive(Default)]
struct Unsynced {
    /// Keys of stages.
    stages: Vec<String>,
    tiles: Vec<Wanted>,
    since: Option<Instant>,
}

/// What a test does when a round has reached a point: nothing, fail, or wait.
#[cfg(test)]
pub(crate) type Hook = Box<dyn Fn(Step) -> Result<(), StoreError> + Send + Sync>;

/// The points of a round after which a crash is tried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Numbered,
    Staged,
    Signed,
    Committed,
    HalfWritten,
    Written,
    Published,
    Synced,
}

/// A batch, hashed.
struct Batch {
    tree: Tree,
    stage: Stage,
    tiles: Vec<Wanted>,
    /// The hashes of the new tiles, for proofs before they are stored.
    fresh: HashMap<(u8, u64), Vec<Hash>>,
}

impl Integrator {
    pub(crate) fn new(writer: Writer, reader: Reader, tiles: Tiles, signer: Arc<dyn CheckpointSigner>) -> Self {
        Self {
            writer,
            reader,
            tiles,
            signer,
            tree: None,
            unsynced: Unsynced::default(),
            distrust: false,
            #[cfg(test)]
            hook: Box::new(|_| Ok(())),
        }
    }

    /// Numbers and integrates what waits; returns the size of the committed tree.
    pub(crate) async fn round(&mut self) -> Result<u64, LogFailure> {
        let (mut numbered, mut integrated) = (BATCH, Progress { size: 0, more: false });
        for _ in 0..BATCHES {
            // What has its number goes into the tree first: numbering waits for its turn with the writer.
            if !integrated.more {
                if numbered < BATCH {
                    break;
                }
                numbered = sequencer::number(&self.writer, &self.reader, BATCH).await?;
                self.reached(Step::Numbered)?;
            }
            integrated = self.integrate().await?;
        }
        Ok(integrated.size)
    }

    async fn integrate(&mut self) -> Result<Progress, LogFailure> {
        let state = LogState::read(&self.reader).await?;
        // Taken out: whatever fails below, the next round starts from what is stored.
        let tree = match self.tree.take() {
            Some(tree) if tree.epoch == state.epoch && tree.head.size == state.size => tree,
            _ => self.load(&state).await?,
        };
        // A crash between signing and committing must not make the next tree smaller than the signed one.
        let signed_size = self.signed_size().await?;
        let missing = u32::try_from(signed_size.saturating_sub(state.size)).unwrap_or(u32::MAX);
        let rows = read_rows(&self.reader, state.size, BATCH.max(missing)).await?;
        if rows.len() < usize::try_from(missing).unwrap_or(usize::MAX) {
            return Err(LogFailure::Inconsistent);
        }
        if rows.is_empty() {
            self.tree = Some(tree);
            self.sync_if_due(state.size).await?;
            return Ok(Progress { size: state.size, more: false });
        }
        let full = rows.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        let batch = blocking(move || tree.append(rows)).await?;
        let size = batch.tree.head.size;
        if self.store(&state, batch).await? {
            Ok(Progress { size, more: full })
        } else {
            // The stage may be another process's as well as ours; loading sorts that out.
            tracing::info!("another process integrates too");
            Ok(Progress { size: state.size, more: false })
        }
    }

    /// Stage, sign, commit, write, publish. False where another process was faster.
    async fn store(&mut self, state: &LogState, batch: Batch) -> Result<bool, LogFailure> {
        let Batch { mut tree, stage, tiles, fresh } = batch;
        let key = stage.key();
        let put = self.tiles.objects.put_new(&key, stage.to_bytes()).await;
        put.map_err(|error| differs(error, &key))?;
        self.reached(Step::Staged)?;

        let Some(note) = self.sign(state, tree.head, &fresh).await? else { return Ok(false) };
        self.reached(Step::Signed)?;

        if !state::commit(&self.writer, state, tree.head.size, tree.head.root, note.clone()).await? {
            return Ok(false);
        }
        tree.epoch = state.epoch + 1;
        self.reached(Step::Committed)?;

        for (position, (key, bytes)) in stage.tiles.into_iter().enumerate() {
            if position == 1 {
                self.reached(Step::HalfWritten)?;
            }
            let put = self.tiles.objects.put_unsynced(&key, bytes).await;
            put.map_err(|error| differs(error, &key))?;
        }
        self.reached(Step::Written)?;

        let head = tree.head;
        self.tree = Some(tree);
        self.unsynced.add(key, tiles);
        self.publish(head.size, note).await?;
        self.reached(Step::Published)?;
        self.sync_if_due(head.size).await?;
        Ok(true)
    }

    /// None where another process signed a larger tree meanwhile. Were that tree no continuation of ours, the next round
    /// would find that the rows do not reach it, or lead elsewhere.
    async fn sign(
        &self,
        state: &LogState,
        new: TreeHead,
        fresh: &HashMap<(u8, u64), Vec<Hash>>,
    ) -> Result<Option<String>, LogFailure> {
        // Whoever keeps overtaking us also commits before us, so a few tries are plenty.
        for _ in 0..4 {
            let from = self.signed_size().await?;
            if from > new.size {
                return Ok(None);
            }
            let proof = if from == 0 || from == new.size {
                Vec::new()
            } else {
                let prove = |tiles: &dyn crypto::merkle::TileReader| consistency_proof(from, new.size, tiles);
                self.tiles.compute(new.size, fresh.clone(), prove).await?
            };
            let (signer, was_empty, held) = (Arc::clone(&self.signer), state.size == 0, state.checkpoint.clone());
            let TreeHead { size, root } = new;
            let wanted = WantedTree { size, root, was_empty, proven_from: from, proof, held };
            match blocking(move || signer.sign(&wanted)).await? {
                Signing::Signed(note) => return Ok(Some(note)),
                Signing::Moved => {}
            }
        }
        Ok(None)
    }

    async fn signed_size(&self) -> Result<u64, LogFailure> {
        let signer = Arc::clone(&self.signer);
        blocking(move || Ok(signer.last_signed()?.map_or(0, |last| last.size))).await
    }

    /// In the database, which only moves forward and is what this node serves; and as an object beside the tiles, for
    /// whoever serves the folder.
    async fn publish(&self, size: u64, note: String) -> Result<(), LogFailure> {
        state::publish(&self.writer, size, note.clone()).await?;
        self.tiles.objects.put("log/checkpoint", Bytes::from(note)).await?;
        Ok(())
    }

    async fn sync_if_due(&mut self, size: u64) -> Result<(), LogFailure> {
        let old = self.unsynced.since.is_some_and(|since| since.elapsed() >= STAGE_AGE);
        if self.unsynced.stages.len() >= STAGES || old {
            self.sync(size).await?;
        }
        Ok(())
    }

    /// Makes the tiles of the tree of `size` durable, then removes their stages and the partial tiles that wider ones have
    /// replaced.
    async fn sync(&mut self, size: u64) -> Result<(), LogFailure> {
        let keep = |tile: &&Wanted| tile.is_full() || tile.is_edge_of(size);
        let keys = self.unsynced.tiles.iter().filter(keep).map(Wanted::key).collect();
        if let Err(error) = self.tiles.objects.sync(keys).await {
            // After a failed fsync the operating system takes the pages for clean, and the next one may succeed over bytes
            // that never reached the disk. The stages are still there: write everything again.
            self.distrust = true;
            self.tree = None;
            return Err(error.into());
        }
        self.reached(Step::Synced)?;
        let done = std::mem::take(&mut self.unsynced);
        let replaced = done.tiles.iter().filter(|tile| !keep(tile)).map(Wanted::key);
        for key in done.stages.iter().cloned().chain(replaced) {
            self.tiles.objects.delete(&key).await?;
        }
        // Today's edge is replaced one day; remember to remove it then.
        self.unsynced.tiles = done.tiles.into_iter().filter(|tile| tile.is_edge_of(size)).collect();
        Ok(())
    }

    /// Recovers what the last rounds of whichever process left, and loads the committed tree.
    async fn load(&mut self, state: &LogState) -> Result<Tree, LogFailure> {
        self.unsynced = Unsynced::default();
        let head = TreeHead { size: state.size, root: state.root };
        if head.size == 0 && head.root != empty_root() {
            return Err(LogFailure::Inconsistent);
        }
        self.replay_stages(head).await?;
        let frontier = match self.load_frontier(head).await {
            Err(LogFailure::Arithmetic(LogError::MissingTile { level, index })) => {
                tracing::warn!(
                    level,
                    index,
                    "a tile of the log is missing: all tiles are made again from the database"
                );
                self.rebuild(head).await?
            }
            loaded => loaded?,
        };
        let edge = self.load_edge(head.size).await?;
        if let Some(note) = state.checkpoint.clone().filter(|_| state.published_size() < state.size) {
            self.publish(state.size, note).await?;
        }
        Ok(Tree { head, epoch: state.epoch, frontier, edge })
    }

    /// Follows the chain of stages back from the committed tree, writes their tiles, and removes what is done with.
    async fn replay_stages(&mut self, head: TreeHead) -> Result<(), LogFailure> {
        let objects = self.tiles.objects.clone();
        let stages: Vec<_> = objects
            .list(STAGING)
            .await?
            .into_iter()
            .filter_map(|(key, _, _)| Stage::parse_key(&key).map(|(old, new)| (key, old, new)))
            .collect();
        let minimum = pruning::read_minimum(&self.reader).await?;
        let (mut kept, mut done) = (Vec::new(), Vec::new());
        let mut end = head;
        while let Some((key, ..)) = stages.iter().find(|(_, old, new)| *new == end && *old < end.size) {
            // Gone since it was listed: another process has its tiles on disk, and all before them.
            let Some(bytes) = objects.read(key).await? else { break };
            let stage = Stage::parse(&bytes).filter(|stage| stage.key() == *key);
            let stage = stage.ok_or_else(|| LogFailure::TileDiffers(key.clone()))?;
            for (key, bytes) in stage.tiles {
                let tile = key.strip_prefix("log/").and_then(Wanted::parse);
                let tile = tile.ok_or_else(|| LogFailure::TileDiffers(key.clone()))?;
                if tile.is_below(minimum) {
                    // It went between its round and now: it stays away.
                    continue;
                }
                if tile.is_full() || tile.is_edge_of(head.size) {
                    self.write_again(&key, bytes).await?;
                    kept.push(tile);
                } else {
                    done.push(key);
                }
            }
            done.push(key.clone());
            end = stage.old;
        }
        objects.sync(kept.iter().map(Wanted::key).collect()).await?;
        self.distrust = false;
        // A stage that starts at the committed tree may be on its way in another process. One that starts before it and
        // is not in the chain lost its race.
        done.extend(stages.into_iter().filter(|(_, old, _)| *old < head.size).map(|(key, ..)| key));
        for key in done {
            objects.delete(&key).await?;
        }
        self.unsynced.tiles = kept.into_iter().filter(|tile| tile.is_edge_of(head.size)).collect();
        Ok(())
    }

    async fn write_again(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        let objects = &self.tiles.objects;
        if self.distrust {
            return objects.put(key, bytes).await;
        }
        match objects.put_unsynced(key, bytes.clone()).await {
            // A crash of the machine may have left the file without its bytes.
            Err(StoreError::Conflict) => {
                tracing::warn!(key, "a tile was torn and is written again from its stage");
                objects.put(key, bytes).await
            }
            other => other,
        }
    }

    async fn load_frontier(&self, head: TreeHead) -> Result<Frontier, LogFailure> {
        if head.size == 0 {
            return Ok(Frontier::empty());
        }
        let load = |tiles: &dyn crypto::merkle::TileReader| Frontier::load(head.size, &head.root, tiles);
        match self.tiles.compute(head.size, HashMap::new(), load).await {
            Err(LogFailure::Arithmetic(LogError::ProofMismatch)) => {
                Err(LogFailure::TileDiffers("at the right edge of the tree".to_owned()))
            }
            other => other,
        }
    }

    /// The entries of the last, partial bundle; they must be the leaves of the last, partial tile.
    async fn load_edge(&self, size: u64) -> Result<Vec<Vec<u8>>, LogFailure> {
        let width = u16::try_from(size % u64::from(FULL)).unwrap_or(0);
        if width == 0 {
            return Ok(Vec::new());
        }
        let tile = TileId { level: 0, index: size / u64::from(FULL), width };
        let missing = LogError::MissingTile { level: 0, index: tile.index };
        let bundle = self.tiles.read(&Wanted::Entries(tile), size).await?.ok_or(missing.clone())?;
        let leaves = self.tiles.read(&Wanted::Hashes(tile), size).await?.ok_or(missing)?;
        let entries = parse_entry_bundle(&bundle)?;
        let found: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        if hashes(&leaves) != Some(found) {
            return Err(LogFailure::TileDiffers(tile.entries_path()));
        }
        Ok(entries)
    }

    /// Makes every tile again from the rows, which must lead to the committed root. An existing tile that differs is not
    /// touched.
    async fn rebuild(&self, head: TreeHead) -> Result<Frontier, LogFailure> {
        let mut tree = Tree {
            head: TreeHead { size: 0, root: empty_root() },
            epoch: 0,
            frontier: Frontier::empty(),
            edge: Vec::new(),
        };
        let mut written = Vec::new();
        while tree.head.size < head.size {
            let left = u32::try_from(head.size - tree.head.size).unwrap_or(BATCH).min(BATCH);
            let rows = read_rows(&self.reader, tree.head.size, left).await?;
            if rows.is_empty() {
                return Err(LogFailure::Inconsistent);
            }
            let batch = blocking(move || tree.append(rows)).await?;
            for ((key, bytes), tile) in batch.stage.tiles.into_iter().zip(&batch.tiles) {
                if tile.is_full() || tile.is_edge_of(head.size) {
                    let put = self.tiles.objects.put_unsynced(&key, bytes).await;
                    put.map_err(|error| differs(error, &key))?;
                    written.push(key);
                }
            }
            tree = batch.tree;
        }
        if tree.head != head {
            return Err(LogFailure::Inconsistent);
        }
        self.tiles.objects.sync(written).await?;
        Ok(tree.frontier)
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests stop a round here")]
    fn reached(&self, _step: Step) -> Result<(), LogFailure> {
        Ok(())
    }

    #[cfg(test)]
    fn reached(&self, step: Step) -> Result<(), LogFailure> {
        (self.hook)(step).map_err(Into::into)
    }
}

impl Tree {
    /// Appends entries: the larger tree, and the stage that leads to it.
    fn append(mut self, entries: Vec<Vec<u8>>) -> Result<Batch, LogFailure> {
        let old = self.head;
        for entry in &entries {
            self.frontier.append(leaf_hash(entry));
        }
        self.head = TreeHead { size: self.frontier.size(), root: self.frontier.root() };
        let mut tiles = Vec::new();
        let mut content = Vec::new();
        let mut fresh = HashMap::new();
        for (tile, bytes) in self.frontier.take_tiles() {
            let hashes = hashes(&bytes).ok_or(LogError::Malformed("tile"))?;
            fresh.insert((tile.level, tile.index), hashes);
            tiles.push(Wanted::Hashes(tile));
            content.push(Bytes::from(bytes));
        }
        self.edge.extend(entries);
        for (index, bundle) in (old.size / u64::from(FULL)..).zip(self.edge.chunks(usize::from(FULL))) {
            let width = u16::try_from(bundle.len()).unwrap_or(FULL);
            tiles.push(Wanted::Entries(TileId { level: 0, index, width }));
            let bytes = entry_bundle(bundle.iter().map(Vec::as_slice)).ok_or(LogError::Malformed("entry"))?;
            content.push(Bytes::from(bytes));
        }
        let partial = self.edge.len() % usize::from(FULL);
        self.edge.drain(..self.edge.len() - partial);
        let keyed = tiles.iter().map(Wanted::key).zip(content).collect();
        Ok(Batch { stage: Stage { old, new: self.head, tiles: keyed }, tree: self, tiles, fresh })
    }
}

impl Unsynced {
    fn add(&mut self, stage: String, tiles: Vec<Wanted>) {
        self.stages.push(stage);
        self.tiles.extend(tiles);
        self.since.get_or_insert_with(Instant::now);
    }
}

/// The entries from number `from` on, which must be contiguous.
async fn read_rows(reader: &Reader, from: u64, limit: u32) -> Result<Vec<Vec<u8>>, StoreError> {
    let sql = "-- read_rows
        SELECT seq, entry FROM audit_seq WHERE seq >= $1 ORDER BY seq LIMIT $2";
    let first = signed(from)?;
    let rows = reader.read("integrator_read", move |tx| {
        let mut next = from;
        tx.query(sql, &[first.into(), limit.into()], |row| {
            if unsigned(row, 0)? != next {
                return Err(StoreError::Corrupt("audit_seq has a gap"));
            }
            next += 1;
            row.blob(1)
        })
    });
    rows.await
}

/// An immutable object that is there with other bytes is an alarm.
fn differs(error: StoreError, key: &str) -> LogFailure {
    match error {
        StoreError::Conflict => LogFailure::TileDiffers(key.to_owned()),
        other => other.into(),
    }
}
