//! The stage: keys, trust services, a running node, registered agencies.

use std::path::Path;
use std::sync::Arc;

use crypto::merkle::NoteVerifier;
use storage::Clock;

use crate::client::Client;
use crate::demo::inquiry::Inquiry;
use crate::demo::parties::Party;
use crate::demo::screen::{Failure, Screen, Stopped};
use crate::demo::services::DemoServices;
use crate::demo::site::{Agency, Site};
use crate::wiring::{Duties, Node};

/// A node that runs among agencies A, B and C, of which A may write to B.
pub struct World {
    site: Site,
    node: Node,
    services: DemoServices,
    inquiry: Inquiry,
    log: NoteVerifier,
    clock: Arc<dyn Clock>,
}

impl World {
    /// Makes the stage, showing each step.
    ///
    /// # Errors
    /// [`Stopped`] when a step failed.
    pub async fn prepare(directory: &Path, clock: Arc<dyn Clock>, screen: &mut Screen<'_>) -> Result<Self, Stopped> {
        screen.chapter("The stage");
        let (site, services) = screen
            .step("A throw-away PKI, with OCSP responder and time-stamp authority", make_site(directory, &clock))
            .await?;
        let node = screen.step("The node starts: SQLite and a folder, TLS 1.3", start_node(&site, &clock)).await?;
        let trusted = async {
            let inquiry = Inquiry::new(&services)?;
            let log = NoteVerifier::from_vkey(&node.log_verifier_key())?;
            Ok(((inquiry, log), format!("log key {}", node.log_verifier_key())))
        };
        let (inquiry, log) = screen.step("Everyone learns the log's public key", trusted).await?;
        let world = Self { site, node, services, inquiry, log, clock };
        screen.step("An operator registers agencies A, B, C and a channel from A to B", world.register()).await?;
        Ok(world)
    }

    async fn register(&self) -> Result<((), String), Failure> {
        let operator = self.operator()?;
        self.site.register_agencies(&operator).await?;
        self.site.open_channel(&operator, self.agency(A)?, self.agency(B)?).await?;
        let participants = operator.participants().await?.participants;
        if participants.len() != AGENCIES || !participants.iter().all(|participant| participant.can_receive) {
            return Err(Failure::of("not every agency can receive"));
        }
        Ok(((), format!("{} participants, each with a mailbox and an encryption certificate", participants.len())))
    }

    /// The folder and its keys.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The running node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The trust services.
    #[must_use]
    pub fn services(&self) -> &DemoServices {
        &self.services
    }

    /// Asks the trust services.
    #[must_use]
    pub fn inquiry(&self) -> &Inquiry {
        &self.inquiry
    }

    /// Verifies checkpoints of the node's log.
    #[must_use]
    pub fn log(&self) -> &NoteVerifier {
        &self.log
    }

    /// The world's clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Where the public API answers. The certificate says `localhost`, so the address does too.
    #[must_use]
    pub fn base(&self) -> String {
        base(&self.node)
    }

    /// A client with the operator's certificate.
    ///
    /// # Errors
    /// [`Failure`] when the login cannot be used.
    pub fn operator(&self) -> Result<Client, Failure> {
        Ok(self.site.client(&self.base(), self.site.operator())?)
    }

    /// An agency at work, by its index.
    ///
    /// # Errors
    /// [`Failure`] when there is no such agency.
    pub fn party(&self, index: usize) -> Result<Party<'_>, Failure> {
        Party::new(&self.site, self.agency(index)?, &self.base())
    }

    /// An agency by its index.
    ///
    /// # Errors
    /// [`Failure`] when there is no such agency.
    pub fn agency(&self, index: usize) -> Result<&Agency, Failure> {
        self.site.agency(index).ok_or_else(|| Failure::of("there is no such agency"))
    }

    /// Stops the node, then the services.
    pub async fn close(self) {
        self.node.stop().await;
    }
}

async fn make_site(directory: &Path, clock: &Arc<dyn Clock>) -> Result<((Site, DemoServices), String), Failure> {
    let bound = DemoServices::bind().await?;
    let site = Site::create(directory, clock.now(), &bound.ocsp_url(), AGENCIES)?;
    let services = bound.start(Arc::clone(site.pki()), Arc::clone(clock));
    let detail = format!("{}, services at http://{}", site.directory().display(), services.address());
    Ok(((site, services), detail))
}

async fn start_node(site: &Site, clock: &Arc<dyn Clock>) -> Result<(Node, String), Failure> {
    let node = Node::start(site.config().clone(), Arc::clone(clock), Duties::All, true).await?;
    let detail = format!("{}, operator port http://{}", base(&node), node.operator_address());
    Ok((node, detail))
}

fn base(node: &Node) -> String {
    format!("https://localhost:{}", node.public_address().port())
}

/// Agency A: sends.
pub(super) const A: usize = 0;
/// Agency B: receives.
pub(super) const B: usize = 1;
/// Agency C: A may not write to it.
pub(super) const C: usize = 2;
const AGENCIES: usize = 3;
