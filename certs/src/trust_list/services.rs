//! The services of all lists, found by the certificates that they are known by.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::anchors::{self, BelievedList, ListedAnchor};
use super::model::{Provider, Service, TrustList};
use crate::certificate::Certificate;

/// Numbers of list, provider and service.
type Place = [usize; 3];

/// Authenticated lists of one moment, with an index of their services. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Services {
    lists: Arc<[Arc<TrustList>]>,
    /// By the subject's public key.
    by_key: Arc<HashMap<Box<[u8]>, Vec<Place>>>,
    anchors: Arc<[ListedAnchor]>,
}

/// A service with whose it is.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'l> {
    /// The list that lists it.
    pub list: &'l TrustList,
    /// Who offers it.
    pub provider: &'l Provider,
    /// The service.
    pub service: &'l Service,
}

impl Services {
    /// Of `lists`, of which none is a reason to believe anybody. Each must have been authenticated.
    #[must_use]
    pub fn new(lists: Vec<Arc<TrustList>>) -> Self {
        let mut by_key: HashMap<Box<[u8]>, Vec<Place>> = HashMap::new();
        for (list_number, list) in lists.iter().enumerate() {
            for (provider_number, provider) in list.providers.iter().enumerate() {
                for (number, service) in provider.services.iter().enumerate() {
                    for certificate in &service.identity.certificates {
                        let known = by_key.entry(certificate.spki_der().into()).or_default();
                        let place = [list_number, provider_number, number];
                        if known.last() != Some(&place) {
                            known.push(place);
                        }
                    }
                }
            }
        }
        Self { lists: lists.into(), by_key: Arc::new(by_key), anchors: Arc::default() }
    }

    /// Of `lists`, whose services are trust anchors while they are believed, save for the certificates whose SHA-256 is in `without`.
    /// Each list must have been authenticated.
    #[must_use]
    pub fn believed(lists: &[BelievedList], without: &BTreeSet<[u8; 32]>) -> Self {
        let services = Self::new(lists.iter().map(|believed| believed.list.clone()).collect());
        Self { anchors: anchors::anchors(lists, without).into(), ..services }
    }

    /// The trust anchors among the services.
    #[must_use]
    pub fn anchors(&self) -> &[ListedAnchor] {
        &self.anchors
    }

    /// The lists as given.
    #[must_use]
    pub fn lists(&self) -> &[Arc<TrustList>] {
        &self.lists
    }

    /// Every service, in the order of the lists.
    pub fn all(&self) -> impl Iterator<Item = Listed<'_>> {
        self.lists.iter().flat_map(|list| {
            let list = list.as_ref();
            list.providers.iter().flat_map(move |provider| {
                provider.services.iter().map(move |service| Listed { list, provider, service })
            })
        })
    }

    /// The services that `certificate` identifies: theirs is a certificate of the same key and the same name (5.5.3).
    pub fn identified_by<'s>(&'s self, certificate: &'s Certificate) -> impl Iterator<Item = Listed<'s>> {
        let places = self.by_key.get(certificate.spki_der()).map(Vec::as_slice).unwrap_or_default();
        let listed = places.iter().filter_map(|[list, provider, service]| {
            let list = self.lists.get(*list)?;
            let provider = list.providers.get(*provider)?;
            Some(Listed { list, provider, service: provider.services.get(*service)? })
        });
        listed.filter(|listed| {
            let known = &listed.service.identity.certificates;
            known
                .iter()
                .any(|known| known.subject_name().is_some() && known.subject_name() == certificate.subject_name())
        })
    }
}
