//! The signer's side of the socket.

use super::Desk;
use super::wire::{frame, length};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Connections at a time: a few processes of a node, and a few that have gone and were not missed yet.
const CONNECTIONS: usize = 16;

/// How long a connection may be silent between two questions. (Before its first one it may not: sixteen that say nothing would keep the node out.)
const IDLE: Duration = Duration::from_secs(600);

/// How long a question that has begun may take to arrive, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the signer listens, and to whom.
pub struct Door {
    listener: UnixListener,
    /// Who may connect; empty: whoever the folder lets in.
    users: Vec<u32>,
}

impl Door {
    /// Listens at `socket`, whose folder nobody but its owner and group may enter. What a signer that was killed left there is taken away.
    ///
    /// # Errors
    /// [`io::Error`] where the folder lets everybody in, something that is no socket lies there, somebody listens there already, or it cannot be listened at.
    pub async fn open(socket: &Path, users: Vec<u32>) -> io::Result<Self> {
        let folder = socket.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if std::fs::metadata(folder)?.permissions().mode() & 0o007 != 0 {
            let why = format!(
                "{}: anybody may enter this folder: chmod 700 (or 750, with the node in its group)",
                folder.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        match std::fs::symlink_metadata(socket) {
            Ok(found) if !found.file_type().is_socket() => return Err(io::ErrorKind::AlreadyExists.into()),
            Ok(_) if UnixStream::connect(socket).await.is_ok() => return Err(io::ErrorKind::AddrInUse.into()),
            Ok(_) => std::fs::remove_file(socket)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(socket)?;
        // The folder decides who comes here.
        std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o660))?;
        Ok(Self { listener, users })
    }

    fn admits(&self, stream: &UnixStream) -> bool {
        // SO_PEERCRED: the user of the process that connected.
        self.users.is_empty() || stream.peer_cred().is_ok_and(|peer| self.users.contains(&peer.uid()))
    }
}

/// Answers whoever is let in, until it is dropped. Nothing that is said to it ends it.
pub async fn serve(desk: Arc<Desk>, door: Door) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match door.listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if !door.admits(&stream) {
            tracing::error!("somebody else's process connected");
            continue;
        }
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            if let Err(error) = converse(&desk, stream).await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
        });
    }
}

/// Question by question, until the other side goes, is silent for too long, or says something beyond the bound.
async fn converse(desk: &Arc<Desk>, mut stream: UnixStream) -> io::Result<()> {
    let mut silence = PATIENCE;
    loop {
        let mut head = [0; 4];
        timeout(silence, stream.read_exact(&mut head[..1])).await??;
        timeout(PATIENCE, stream.read_exact(&mut head[1..])).await??;
        let length = length(head).ok_or_else(|| io::Error::other("a question beyond its bound"))?;
        let mut question = vec![0; length];
        timeout(PATIENCE, stream.read_exact(&mut question)).await??;
        let desk = Arc::clone(desk);
        let answer = tokio::task::spawn_blocking(move || desk.answer(&question)).await.map_err(io::Error::other)?;
        timeout(PATIENCE, stream.write_all(&frame(&answer))).await??;
        silence = IDLE;
    }
}
