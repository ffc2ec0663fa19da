//! Where a measurement plays: a throw-away node in a process of its own, or a node that runs already.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::Edrpou;
use storage::clock::SystemClock;

use super::backlog;
use super::options::Options;
use super::party::Party;
use super::pool::Pool;
use super::recipient::Recipient;
use super::sender::Sender;
use crate::harness::store::Store;
use crate::harness::{Ground, NodeProcess};

/// Both sides of a measurement, and the node between them.
pub struct Stage {
    /// Who sends.
    pub senders: Vec<Arc<Sender>>,
    /// Who receives.
    pub recipients: Vec<Arc<Recipient>>,
    /// The node's process, where it is known.
    pub process: Option<u32>,
    // Ends the node before its files go.
    _node: Option<NodeProcess>,
    _ground: Option<Ground>,
}

impl Stage {
    /// Accepted messages of the throw-away node with evidence of all four steps, each with its audit row.
    pub async fn evidence_complete(&self) -> Option<u64> {
        let ground = self._ground.as_ref()?;
        let count = Store::new(&ground.config).count(EVIDENCE_COMPLETE).await;
        u64::try_from(count).ok()
    }

    /// The operator port of the throw-away node.
    #[must_use]
    pub fn operator(&self) -> Option<SocketAddr> {
        self._ground.as_ref().map(|ground| ground.config.listen.operator)
    }

    /// As the options say.
    ///
    /// # Panics
    /// Where the node does not start or the credentials are unusable.
    pub async fn set(options: &Options) -> Self {
        match (&options.node, &options.credentials) {
            (Some(url), Some(folder)) => Self::elsewhere(options, url, folder),
            _ => Self::of_its_own(options).await,
        }
    }

    async fn of_its_own(options: &Options) -> Self {
        let program = std::env::current_exe().expect("the path of this program");
        let beside = program.parent().map(Path::to_owned);
        let folder: Option<PathBuf> = options.folder.clone().or(beside);
        let pairs = usize::from(options.pairs);
        let idle = if options.waiting == 0 { 0 } else { IDLE };
        let mut ground = Ground::lay(Arc::new(SystemClock), pairs * 2 + idle, folder.as_deref()).await;
        ground.config.log.round_milliseconds = 200;
        if options.pairs < A_REGION {
            // Few parties stand for many here: what each of them may use must not be what is measured.
            let limits = &mut ground.config.limits.participant;
            (limits.requests_per_second, limits.burst) = (1_000_000, 1_000_000);
        }
        ground.settle();
        let node = NodeProcess::start_with(options.node_command(&program), &ground).await;
        let operator = ground.operator();
        let mut codes = Vec::new();
        for pair in 0..pairs {
            let (from, to) = (ground.agency(pair * 2), ground.agency(pair * 2 + 1));
            ground.registers(&operator, &from).await;
            ground.registers(&operator, &to).await;
            ground.opens_channel(&operator, &from, &to.mailbox()).await;
            codes.push((from.edrpou(), to.edrpou()));
        }
        let node = if idle == 0 {
            node
        } else {
            let idle: Vec<_> = (0..idle).map(|index| ground.agency(pairs * 2 + index)).collect();
            backlog::pile_up(options.node_command(&program), &ground, node, &ground.agency(0), &idle, options.waiting)
                .await
        };
        let port = ground.config.listen.public.port();
        let mut stage = Self::between(options, "localhost", port, ground.site.directory(), &codes);
        stage.process = Some(node.id());
        stage._node = Some(node);
        stage._ground = Some(ground);
        stage
    }

    fn elsewhere(options: &Options, url: &str, folder: &Path) -> Self {
        let uri: http::Uri = url.parse().expect("--node is a URL");
        let port = uri.port_u16().unwrap_or(443);
        let mut agencies: Vec<Edrpou> = std::fs::read_dir(folder.join("agencies"))
            .expect("--credentials has a folder `agencies`")
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        agencies.sort_unstable();
        let [from, to, ..] = agencies[..] else { panic!("--credentials needs two agencies") };
        let mut stage = Self::between(options, uri.host().unwrap_or("localhost"), port, folder, &[(from, to)]);
        stage.process = options.process;
        stage
    }

    fn between(options: &Options, host: &str, port: u16, folder: &Path, pairs: &[(Edrpou, Edrpou)]) -> Self {
        let mut stage = Self { senders: Vec::new(), recipients: Vec::new(), process: None, _node: None, _ground: None };
        for (from, to) in pairs {
            let (from, to) = (Party::read(folder, *from), Party::read(folder, *to));
            let pool = |party: &Party| Pool::new(party.tls.clone(), host, port, options.connections);
            let (sending, receiving) = (pool(&from), pool(&to));
            stage.senders.push(Arc::new(Sender::new(from, to.mailbox.clone(), sending)));
            stage.recipients.push(Arc::new(Recipient::new(to, receiving)));
        }
        stage
    }
}

/// Mailboxes over which messages that wait are spread.
const IDLE: usize = 25;

/// Pairs from which on each is a participant like one of a region, within its quotas.
const A_REGION: u8 = 25;

const EVIDENCE_COMPLETE: &str = "-- evidence_complete
    SELECT count(*) FROM message m WHERE m.state = 'accepted' AND (
        SELECT group_concat(kind) FROM (
            SELECT e.kind FROM evidence e WHERE e.message_id = m.id AND (
                EXISTS (SELECT 1 FROM audit_outbox o WHERE o.event_id = e.event_id)
                OR EXISTS (SELECT 1 FROM audit_seq s WHERE s.event_id = e.event_id))
            ORDER BY e.step)) = 'A.1,D.1,E.1,C.3'";
