//! Logins: a TLS client certificate -> [`Actor`].

use certs::certificate::Certificate;
use schemas::ProblemCode;
use storage::StoreError;

use crate::actor::{Actor, fingerprint_prefix};
use crate::decide::{Access, unreadable};
use crate::standing::NotReliable;

/// Certificates that a client may send along with its own. More is no chain but an attempt to make us search.
const CHAIN_CERTIFICATES: usize = 8;

impl Access {
    /// Identifies the owner of a TLS client certificate chain (DER, leaf first; empty: none was presented): path,
    /// validity, revocation, registration. That the client holds the key was shown by the handshake.
    ///
    /// The certificate's standing is remembered for up to a minute; that it is registered is looked up every time.
    ///
    /// # Errors
    /// `ClientCertificate*`, of which `ClientCertificateStatusUnknown` may pass by itself. `StorageUnavailable` and the like when
    /// the registry cannot be read.
    pub async fn identify(&self, chain: &[Vec<u8>]) -> Result<Actor, ProblemCode> {
        let (leaf, rest) = chain.split_first().ok_or(ProblemCode::ClientCertificateMissing)?;
        let certificate = match self.inner.logins.recall(leaf) {
            Some(fingerprint) => fingerprint,
            None => self.verify_login(leaf, rest).await?,
        };
        if self.inner.operators.contains(&certificate) {
            return Ok(Actor::Operator { certificate });
        }
        if let Some(name) = self.peers().by_login(&certificate).await.map_err(unread)? {
            return Ok(Actor::Peer { name, certificate });
        }
        let owner = self.registry().login_owner(&certificate).await.map_err(unread)?;
        let edrpou = owner.ok_or(ProblemCode::ClientCertificateUnregistered)?;
        self.registry().saw(edrpou);
        Ok(Actor::Participant { edrpou, certificate })
    }

    /// Whether somebody who was identified a moment ago still is who they were, as far as that can change from one moment to the next: a
    /// peer that is withdrawn, or logs in with another certificate now, is refused at once.
    ///
    /// # Errors
    /// `StorageUnavailable` and the like when it cannot be told.
    pub async fn still_is(&self, actor: &Actor) -> Result<bool, ProblemCode> {
        let Actor::Peer { name, certificate } = actor else { return Ok(true) };
        Ok(self.peers().by_login(certificate).await.map_err(unread)?.as_ref() == Some(name))
    }

    async fn verify_login(&self, leaf: &[u8], rest: &[Vec<u8>]) -> Result<[u8; 32], ProblemCode> {
        let leaf = Certificate::from_der(leaf).map_err(|_| ProblemCode::ClientCertificateUntrusted)?;
        // What does not parse cannot help a path; the leaf may be fine without it.
        let pool: Vec<_> =
            rest.iter().take(CHAIN_CERTIFICATES).filter_map(|der| Certificate::from_der(der).ok()).collect();
        let fingerprint = leaf.fingerprint();
        match self.inner.logins.check_anew(&leaf, &pool).await {
            Ok(_) => Ok(fingerprint),
            Err(reason) => {
                let certificate = fingerprint_prefix(&fingerprint);
                tracing::warn!(certificate, %reason, tried = reason.explain(), "a login was refused");
                Err(match reason {
                    NotReliable::OutsideValidity(_) => ProblemCode::ClientCertificateExpired,
                    NotReliable::Revoked => ProblemCode::ClientCertificateRevoked,
                    NotReliable::NoPath(_) => ProblemCode::ClientCertificateUntrusted,
                    NotReliable::StatusUnknown(_) => ProblemCode::ClientCertificateStatusUnknown,
                })
            }
        }
    }
}

fn unread(error: StoreError) -> ProblemCode {
    tracing::error!(%error, "the registry cannot be read");
    unreadable(&error)
}

#[cfg(test)]
mod tests;
