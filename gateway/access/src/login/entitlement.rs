//! In whose name somebody may act, by what they are entrusted with and what their certificate names.

use schemas::Edrpou;
use schemas::access::Portal;

use crate::people::Entrusted;

/// Why somebody with a good certificate is not let in. For the audit row alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAccess {
    /// Nobody is registered under the certificate's numbers.
    Unknown,
    /// They were taken out of the directory.
    Removed,
    /// They are entrusted with nothing there.
    NotEntrusted,
}

impl NoAccess {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown_person",
            Self::Removed => "removed_person",
            Self::NotEntrusted => "not_entrusted",
        }
    }
}

/// Whom a new session acts for. At the external portal everybody acts for themselves. At the internal one it is whom they
/// `ask` for, else the organisation that the certificate names; who has a role of the node needs neither.
///
/// # Errors
/// [`NoAccess::NotEntrusted`].
pub(crate) fn acting_for(
    portal: Portal,
    certificate_of: Option<Edrpou>,
    asked: Option<Edrpou>,
    entrusted: &Entrusted,
) -> Result<Option<Edrpou>, NoAccess> {
    match (portal, asked) {
        (Portal::External, None) => Ok(None),
        (Portal::External, Some(_)) => Err(NoAccess::NotEntrusted),
        (Portal::Internal, Some(asked)) => {
            let may = may_act_for(asked, certificate_of, entrusted);
            may.then_some(Some(asked)).ok_or(NoAccess::NotEntrusted)
        }
        (Portal::Internal, None) => {
            let own = certificate_of.filter(|edrpou| may_act_for(*edrpou, certificate_of, entrusted));
            // Who holds a certificate of nobody in particular, and works for one participant, means that one.
            let only = match &entrusted.within[..] {
                [(edrpou, _)] if certificate_of.is_none() => Some(*edrpou),
                _ => None,
            };
            let chooses = certificate_of.is_none() && !entrusted.within.is_empty();
            let acting_for = own.or(only);
            let may = acting_for.is_some() || chooses || !entrusted.node.is_empty();
            may.then_some(acting_for).ok_or(NoAccess::NotEntrusted)
        }
    }
}

/// Whether a session of this certificate may act for the participant: a role is entrusted there, and the certificate was not issued for
/// the people of another organisation.
pub(crate) fn may_act_for(participant: Edrpou, certificate_of: Option<Edrpou>, entrusted: &Entrusted) -> bool {
    let has_role = entrusted.within.iter().any(|(within, roles)| *within == participant && !roles.is_empty());
    has_role && certificate_of.is_none_or(|edrpou| edrpou == participant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::access::{Role, Roles};

    fn entrusted(node: &[Role], within: &[&str]) -> Entrusted {
        let representative = Roles::default().with(Role::AuthorisedRepresentative);
        let within = within.iter().map(|edrpou| (edrpou.parse().unwrap(), representative)).collect();
        Entrusted { node: node.iter().copied().collect(), within }
    }

    #[test]
    fn an_official_acts_for_the_organisation_of_the_certificate_and_for_no_other() {
        let (a, b): (Edrpou, Edrpou) = ("00000001".parse().unwrap(), "00000002".parse().unwrap());
        let internal =
            |certificate, asked, entrusted: &Entrusted| acting_for(Portal::Internal, certificate, asked, entrusted);
        let (of_a, of_both, auditor) = (
            entrusted(&[], &["00000001"]),
            entrusted(&[], &["00000001", "00000002"]),
            entrusted(&[Role::Auditor], &[]),
        );
        let refused = Err(NoAccess::NotEntrusted);
        for (certificate, asked, entrusted, expected) in [
            (Some(a), None, &of_a, Ok(Some(a))),
            (Some(b), None, &of_a, refused),
            (Some(b), Some(a), &of_both, refused),
            (Some(b), Some(b), &of_both, Ok(Some(b))),
            (None, None, &of_a, Ok(Some(a))),
            (None, None, &of_both, Ok(None)),
            (None, Some(b), &of_both, Ok(Some(b))),
            (None, Some(b), &of_a, refused),
            (None, None, &auditor, Ok(None)),
            (Some(a), None, &auditor, Ok(None)),
            (None, Some(a), &auditor, refused),
            (None, None, &Entrusted::default(), refused),
        ] {
            assert_eq!(internal(certificate, asked, entrusted), expected, "{certificate:?} {asked:?} {entrusted:?}");
        }
    }

    #[test]
    fn an_applicant_acts_for_themselves() {
        let of_a = entrusted(&[], &["00000001"]);
        let a = Some("00000001".parse().unwrap());
        assert_eq!(acting_for(Portal::External, a, None, &of_a), Ok(None));
        assert_eq!(acting_for(Portal::External, a, a, &of_a), Err(NoAccess::NotEntrusted));
        assert_eq!(acting_for(Portal::External, None, None, &Entrusted::default()), Ok(None));
    }
}
