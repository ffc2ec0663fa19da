//! One question for one list: from where it lies to a list that may be used, kept before it is.

use std::collections::BTreeSet;
use std::path::Path;

use certs::certificate::Certificate;
use certs::trust_list::{ListKind, Pointer};
use signing::trust_list::{AuthenticatedList, ListRefused, PivotRefused, authenticate_along, pivot_locations};
use signing::validate::suite;
use time::OffsetDateTime;

use super::entry::Problem;
use super::fetch::ListFetcher;
use super::folder::{self, Kept};
use crate::config::TrustedListConfig;
use crate::outbound::trust::read_folder;

/// The form that programs read (TS 119 612, 6).
const FOR_PROGRAMS: &str = "application/vnd.etsi.tsl+xml";

/// More territories than there are.
const MOST_MEMBERS: usize = 64;

/// A list that a list of lists points to.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// `NAME.TERRITORY`.
    pub(super) key: String,
    pub(super) location: String,
    pub(super) territory: String,
    pub(super) signers: Vec<Certificate>,
}

/// The members of a list of lists that its configuration follows.
pub(super) fn members(list: &TrustedListConfig, held: &AuthenticatedList) -> Vec<Member> {
    let mut keys = BTreeSet::new();
    let wanted = held.list().pointers.iter().filter(|pointer| is_member(pointer));
    let wanted = wanted.filter_map(|pointer| {
        let territory = pointer.territory.as_deref().filter(|territory| is_territory(territory))?;
        let is_followed = list.territories.is_empty() || list.territories.iter().any(|one| one == territory);
        let key = format!("{}.{territory}", list.name);
        (is_followed && keys.insert(key.clone())).then(|| Member {
            key,
            location: pointer.location.clone(),
            territory: territory.to_owned(),
            signers: pointer.signers.clone(),
        })
    });
    wanted.take(MOST_MEMBERS).collect()
}

fn is_member(pointer: &Pointer) -> bool {
    pointer.kind == Some(ListKind::Services) && pointer.media_type.as_deref().is_none_or(|form| form == FOR_PROGRAMS)
}

/// It becomes a part of the name of a file.
fn is_territory(territory: &str) -> bool {
    territory.len() == 2 && territory.bytes().all(|octet| octet.is_ascii_uppercase())
}

/// What is asked.
pub(super) struct Question<'q> {
    pub(super) folder: &'q Path,
    pub(super) name: &'q str,
    pub(super) list: &'q TrustedListConfig,
    pub(super) member: Option<&'q Member>,
    pub(super) held: Option<AuthenticatedList>,
    pub(super) at: OffsetDateTime,
}

impl Question<'_> {
    /// The list that is in use from now on, and `None` where it is the one that was.
    pub(super) async fn ask(&self, fetcher: &ListFetcher) -> Result<Option<AuthenticatedList>, Problem> {
        let octets = self.octets(fetcher).await?;
        if let Some(held) = &self.held
            && held.list().sha256 == crypto::digest::sha256(&octets)
        {
            return Ok(None);
        }
        let signers = self.signers()?;
        let (list, pivots) = match self.judge(octets.clone(), signers.clone(), Vec::new()).await {
            Err(PivotRefused { cause: ListRefused::Stranger(_), .. }) if self.member.is_none() => {
                self.judge_by_pivots(fetcher, octets.clone(), signers).await?
            }
            judged => (judged.map_err(|refused| Problem::of_pivot(&refused))?, Vec::new()),
        };
        if let Some(member) = self.member.filter(|member| member.territory != list.list().territory) {
            let other = ListRefused::AnotherList(format!("{} for {}", list.list().territory, member.territory));
            return Err(Problem::of_list(&other));
        }
        list.may_replace(self.held.as_ref(), self.at).map_err(|refused| Problem::of_list(&refused))?;
        let (folder, name) = (self.folder.to_owned(), self.name.to_owned());
        let kept = tokio::task::spawn_blocking(move || folder::keep(&folder, &name, &Kept { octets, pivots }));
        kept.await.map_err(|error| Problem::of_folder(&error))?.map_err(|error| Problem::of_folder(&error))?;
        Ok(Some(list))
    }

    async fn octets(&self, fetcher: &ListFetcher) -> Result<Vec<u8>, Problem> {
        let location = self.member.map_or(&self.list.location, |member| &member.location);
        if self.member.is_some() || self.list.is_address() {
            return fetcher.list(location).await.map_err(Problem::of_fetching);
        }
        let read = folder::read(Path::new(location)).map_err(|error| Problem::of_folder(&error))?;
        read.ok_or_else(|| Problem::of_folder(&format!("{location} is not there")))
    }

    fn signers(&self) -> Result<Vec<Certificate>, Problem> {
        match self.member {
            Some(member) => Ok(member.signers.clone()),
            None => read_folder("trusted_lists.lists", &self.list.signers).map_err(|error| Problem::of_folder(&error)),
        }
    }

    /// The signers have changed since they were published: along the pivots, at the host of the list and nowhere else, since nobody has
    /// authenticated yet who says where they are.
    async fn judge_by_pivots(
        &self,
        fetcher: &ListFetcher,
        octets: Vec<u8>,
        signers: Vec<Certificate>,
    ) -> Result<(AuthenticatedList, Vec<Vec<u8>>), Problem> {
        let locations = pivot_locations(&octets).map_err(|refused| Problem::of_list(&refused))?;
        let host = |location: &str| reqwest::Url::parse(location).ok().map(|url| url.authority().to_owned());
        let own = host(&self.list.location);
        let mut pivots = Vec::new();
        for location in locations.iter().filter(|location| own.is_some() && host(location) == own) {
            pivots.push(fetcher.list(location).await.map_err(Problem::of_fetching)?);
        }
        let judged = self.judge(octets, signers, pivots.clone()).await;
        Ok((judged.map_err(|refused| Problem::of_pivot(&refused))?, pivots))
    }

    async fn judge(
        &self,
        octets: Vec<u8>,
        signers: Vec<Certificate>,
        pivots: Vec<Vec<u8>>,
    ) -> Result<AuthenticatedList, PivotRefused> {
        let at = self.at;
        let judged = tokio::task::spawn_blocking(move || {
            authenticate_along(&octets, &signers, &pivots, &suite::UKRAINIAN, Some(at))
        });
        // A panic of the reader is a defect of ours, and as bad as a list that is none.
        judged.await.unwrap_or(Err(PivotRefused { pivot: None, cause: ListRefused::NotAList }))
    }
}
