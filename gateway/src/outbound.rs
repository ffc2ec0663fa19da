//! The one hardened outbound client: OCSP and CRL retrieval (allow-list, caps, cache); implements certs::revocation::RevocationSource.
