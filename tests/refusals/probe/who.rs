//! Whoever knocks, and at which door.

use access::token::SCOPES;
use schemas::ProblemCode as P;
use schemas::access::Role;

/// A door of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Door {
    /// Of systems: client certificates and tokens.
    Api,
    /// Of officials.
    Internal,
    /// Of applicants.
    External,
}

impl Door {
    pub(super) const ALL: [Self; 3] = [Self::Api, Self::Internal, Self::External];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Internal => "internal",
            Self::External => "external",
        }
    }

    pub(super) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|door| door.as_str() == name).unwrap_or_else(|| panic!("no door {name}"))
    }
}

/// Somebody who knocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) name: &'static str,
    pub(super) door: Door,
    pub(super) standing: Standing,
}

/// What the node makes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody that it knows. `speaks`: their page speaks for a session, by its CSRF token.
    Stranger { code: P, speaks: bool },
    /// Requests that a session's page did not make: only what may change something is refused.
    Forged { code: P },
    /// Somebody who is logged in.
    Known(Known),
}

/// Somebody who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    System,
    Operator,
    Peer,
    /// A token of the system's participant.
    Token(&'static [&'static str]),
    Official(Role),
    /// An official whose role was taken back while the session went on.
    WithoutRole,
}

impl Known {
    /// Their row of the matrix.
    pub(super) fn row(&self) -> &'static str {
        match self {
            Self::System | Self::Token(_) => "participant's system",
            Self::Operator => "operator's certificate",
            Self::Peer => "peer",
            Self::Official(role) => role.as_str(),
            Self::WithoutRole => "person without a role",
        }
    }

    pub(super) fn scopes(&self) -> Option<&'static [&'static str]> {
        if let Self::Token(scopes) = self { Some(scopes) } else { None }
    }

    pub(super) fn is_peer(&self) -> bool {
        *self == Self::Peer
    }

    pub(super) fn is_person(&self) -> bool {
        matches!(self, Self::Official(_) | Self::WithoutRole)
    }

    /// Whether they act for no participant, by their role.
    pub(super) fn is_of_node(&self) -> bool {
        matches!(self, Self::Official(role) if role.is_of_node())
    }

    pub(super) fn is_without_role(&self) -> bool {
        *self == Self::WithoutRole
    }
}

/// What the narrow token may do.
pub(super) const NARROW: &[&str] = &["read_participants"];

/// Everybody.
pub(super) fn all() -> Vec<Who> {
    use Door::{Api, External, Internal};
    let stranger = |name, door, code, speaks| Who { name, door, standing: Standing::Stranger { code, speaks } };
    let known = |name, door, known| Who { name, door, standing: Standing::Known(known) };
    let mut all = vec![
        stranger("nobody", Api, P::ClientCertificateMissing, false),
        stranger("certificate of another authority", Api, P::ClientCertificateUntrusted, false),
        stranger("certificate that nobody registered", Api, P::ClientCertificateUnregistered, false),
        stranger("expired certificate", Api, P::ClientCertificateExpired, false),
        stranger("revoked certificate", Api, P::ClientCertificateRevoked, false),
        stranger("cookie of a session", Api, P::ClientCertificateMissing, false),
        stranger("token of nobody", Api, P::TokenRefused, false),
        stranger("expired token", Api, P::TokenRefused, false),
        stranger("revoked token", Api, P::TokenRefused, false),
        known("participant's system", Api, Known::System),
        known("operator's certificate", Api, Known::Operator),
        known("peer", Api, Known::Peer),
        known("token of every scope", Api, Known::Token(SCOPES)),
        known("token of one scope", Api, Known::Token(NARROW)),
    ];
    for door in [Internal, External] {
        all.extend([
            stranger("nobody", door, P::SessionMissing, false),
            stranger("token", door, P::SessionMissing, false),
            stranger("cookie of nobody", door, P::SessionEnded, true),
            stranger("ended session", door, P::SessionEnded, true),
            stranger("expired session", door, P::SessionEnded, true),
            stranger("session of the other portal", door, P::SessionEnded, true),
            stranger("session of a revoked certificate", door, P::SessionEnded, true),
            Who { name: "page of another origin", door, standing: Standing::Forged { code: P::SessionForeignOrigin } },
            Who { name: "page without the CSRF token", door, standing: Standing::Forged { code: P::SessionCsrfToken } },
        ]);
    }
    let officials = Role::ALL.iter().filter(|role| **role != Role::Applicant);
    all.extend(officials.map(|role| known(role.as_str(), Internal, Known::Official(*role))));
    all.push(known("role taken back", Internal, Known::WithoutRole));
    all.push(known(Role::Applicant.as_str(), External, Known::Official(Role::Applicant)));
    all
}

impl Who {
    pub(super) fn named(door: Door, name: &str) -> Self {
        let found = all().into_iter().find(|who| who.door == door && who.name == name);
        found.unwrap_or_else(|| panic!("nobody is called {name} at the door {door:?}"))
    }

    pub(super) fn is_stranger(&self) -> bool {
        matches!(self.standing, Standing::Stranger { .. })
    }

    pub(super) fn is_forged(&self) -> bool {
        matches!(self.standing, Standing::Forged { .. })
    }

    pub(super) fn known(&self) -> Option<&Known> {
        if let Standing::Known(known) = &self.standing { Some(known) } else { None }
    }

    pub(super) fn has_token(&self) -> bool {
        self.name.contains("token")
    }

    /// Whether their session is over, or another portal's.
    pub(super) fn had_a_session(&self) -> bool {
        self.name.contains("session")
    }

    /// Of whom every operation is the same to ask: one thing is enough.
    pub(super) fn is_known(&self) -> bool {
        self.known().is_some()
    }
}
