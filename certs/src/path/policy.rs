//! Certificate policies: the policy graph of RFC 9618, which replaces the exponential tree of RFC 5280 6.1.
//!
//! A level of the graph holds one node for each policy that is valid at one certificate, with edges to the policies of the
//! certificate above that it came from; `anyPolicy` is a flag of the level. Edges number at most the policies and mappings of
//! the certificates, so the work is bounded by their size.
use super::PathError;
use crate::asn1::{Malformed, oid, read, tag};
use crate::certificate::Certificate;
use std::collections::{BTreeMap, BTreeSet};

/// What the caller demands of policies: the inputs of RFC 5280 6.1.1 (c), (e), (f), (g). The default demands nothing.
#[derive(Debug, Clone, Default)]
pub struct PolicyRequirements {
    /// user-initial-policy-set as dotted object identifiers; `None`: any policy.
    pub accepted: Option<BTreeSet<String>>,
    /// initial-explicit-policy: the path must be valid for an accepted policy.
    pub explicit: bool,
    /// initial-policy-mapping-inhibit.
    pub inhibit_mapping: bool,
    /// initial-any-policy-inhibit.
    pub inhibit_any: bool,
}

/// Policies that hold for a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySet {
    /// Any policy.
    Any,
    /// These, as dotted object identifiers in the words of the anchor's authority; possibly none.
    These(BTreeSet<String>),
}

/// OBJECT IDENTIFIER content octets.
type Policy<'a> = &'a [u8];

#[derive(Default)]
struct Level<'a> {
    nodes: BTreeMap<Policy<'a>, Node<'a>>,
    any: bool,
}

struct Node<'a> {
    /// Policies of the level above; empty: its `anyPolicy`.
    parents: Vec<Policy<'a>>,
    /// What the certificate below may call this policy (expected_policy_set).
    expected: Vec<Policy<'a>>,
}

pub(super) struct PolicyGraph<'a> {
    requirements: &'a PolicyRequirements,
    /// `None`: the graph is NULL, no policy is valid.
    levels: Option<Vec<Level<'a>>>,
    explicit_policy: usize,
    inhibit_any_policy: usize,
    policy_mapping: usize,
}

impl<'a> PolicyGraph<'a> {
    /// For a path of `length` certificates below the anchor (RFC 5280 6.1.2).
    pub(super) fn new(length: usize, requirements: &'a PolicyRequirements) -> Self {
        let counter = |inhibited: bool| if inhibited { 0 } else { length + 1 };
        Self {
            requirements,
            levels: Some(vec![Level { nodes: BTreeMap::new(), any: true }]),
            explicit_policy: counter(requirements.explicit),
            inhibit_any_policy: counter(requirements.inhibit_any),
            policy_mapping: counter(requirements.inhibit_mapping),
        }
    }

    /// RFC 5280 6.1.3 (d) to (f), as changed by RFC 9618 5.3.
    pub(super) fn process(&mut self, certificate: &'a Certificate, is_leaf: bool) -> Result<(), PathError> {
        let policies = policies(certificate).map_err(|_| unreadable(certificate))?;
        self.levels = match (self.levels.take(), policies) {
            (Some(mut levels), Some((policies, has_any))) => {
                let any_counts = self.inhibit_any_policy > 0 || (!is_leaf && certificate.is_self_issued());
                let level = levels.last().map(|above| next_level(above, &policies, has_any && any_counts));
                let level = level.filter(|level| level.any || !level.nodes.is_empty());
                level.map(|level| {
                    levels.push(level);
                    levels
                })
            }
            _ => None,
        };
        if self.explicit_policy == 0 && self.levels.is_none() { Err(PathError::Policy) } else { Ok(()) }
    }

    /// RFC 5280 6.1.4 (a), (b), (h), (i), (j), as changed by RFC 9618 5.4.
    pub(super) fn prepare_for_next(&mut self, certificate: &'a Certificate) -> Result<(), PathError> {
        let mappings = mappings(certificate).map_err(|_| unreadable(certificate))?;
        if mappings.keys().chain(mappings.values().flatten()).any(|policy| *policy == oid::ANY_POLICY.as_bytes()) {
            return Err(PathError::Policy);
        }
        self.map(mappings);
        if !certificate.is_self_issued() {
            for counter in [&mut self.explicit_policy, &mut self.policy_mapping, &mut self.inhibit_any_policy] {
                *counter = counter.saturating_sub(1);
            }
        }
        let (explicit, mapping) = constraints(certificate).map_err(|_| unreadable(certificate))?;
        lower(&mut self.explicit_policy, explicit);
        lower(&mut self.policy_mapping, mapping);
        lower(&mut self.inhibit_any_policy, inhibit_any(certificate).map_err(|_| unreadable(certificate))?);
        Ok(())
    }

    /// RFC 5280 6.1.5 (a), (b), (g), as changed by RFC 9618 5.5.
    pub(super) fn finish(mut self, leaf: &Certificate) -> Result<PolicySet, PathError> {
        self.explicit_policy = self.explicit_policy.saturating_sub(1);
        if constraints(leaf).map_err(|_| unreadable(leaf))?.0 == Some(0) {
            self.explicit_policy = 0;
        }
        let valid = match &self.levels {
            None => PolicySet::These(BTreeSet::new()),
            Some(levels) => self.user_constrained(levels),
        };
        let is_empty = matches!(&valid, PolicySet::These(policies) if policies.is_empty());
        if self.explicit_policy == 0 && is_empty { Err(PathError::Policy) } else { Ok(valid) }
    }

    fn map(&mut self, mappings: BTreeMap<Policy<'a>, BTreeSet<Policy<'a>>>) {
        let Some(level) = self.levels.as_mut().and_then(|levels| levels.last_mut()) else {
            return;
        };
        for (issuer_policy, subject_policies) in mappings {
            if self.policy_mapping == 0 {
                level.nodes.remove(issuer_policy);
            } else if let Some(node) = level.nodes.get_mut(issuer_policy) {
                node.expected = subject_policies.into_iter().collect();
            } else if level.any {
                let expected = subject_policies.into_iter().collect();
                level.nodes.insert(issuer_policy, Node { parents: Vec::new(), expected });
            }
        }
        if !level.any && level.nodes.is_empty() {
            self.levels = None;
        }
    }

    /// The policies that stem from an anyPolicy above them and reach the leaf, as far as they are accepted.
    fn user_constrained(&self, levels: &[Level<'_>]) -> PolicySet {
        if levels.last().is_some_and(|level| level.any) {
            return match &self.requirements.accepted {
                None => PolicySet::Any,
                Some(accepted) => PolicySet::These(accepted.clone()),
            };
        }
        let mut valid = BTreeSet::new();
        let mut reached: BTreeSet<Policy<'_>> =
            levels.last().map(|level| level.nodes.keys().copied().collect()).unwrap_or_default();
        for level in levels.iter().rev() {
            let mut above = BTreeSet::new();
            for (policy, node) in reached.iter().filter_map(|policy| level.nodes.get_key_value(policy)) {
                if node.parents.is_empty() {
                    valid.extend(oid::dotted(policy));
                }
                above.extend(node.parents.iter().copied());
            }
            reached = above;
        }
        if let Some(accepted) = &self.requirements.accepted {
            valid.retain(|policy| accepted.contains(policy));
        }
        PolicySet::These(valid)
    }
}

/// RFC 9618 5.3 (d)(1) and (2).
fn next_level<'a>(above: &Level<'a>, policies: &BTreeSet<Policy<'a>>, any_counts: bool) -> Level<'a> {
    let mut expected_by: BTreeMap<Policy<'a>, Vec<Policy<'a>>> = BTreeMap::new();
    for (policy, node) in &above.nodes {
        for expected in &node.expected {
            expected_by.entry(expected).or_default().push(policy);
        }
    }
    let mut level = Level { nodes: BTreeMap::new(), any: any_counts && above.any };
    for policy in policies {
        if let Some(parents) = expected_by.get(policy) {
            level.nodes.insert(policy, Node { parents: parents.clone(), expected: vec![policy] });
        } else if above.any {
            level.nodes.insert(policy, Node { parents: Vec::new(), expected: vec![policy] });
        }
    }
    if any_counts {
        for (policy, parents) in expected_by {
            level.nodes.entry(policy).or_insert_with(|| Node { parents, expected: vec![policy] });
        }
    }
    level
}

fn lower(counter: &mut usize, limit: Option<u32>) {
    if let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) {
        *counter = (*counter).min(limit);
    }
}

fn unreadable(certificate: &Certificate) -> PathError {
    PathError::MalformedExtension { subject: certificate.subject() }
}

/// CertificatePolicies ::= SEQUENCE OF SEQUENCE { policyIdentifier, policyQualifiers OPTIONAL }, none twice (4.2.1.4): the
/// policies, and whether anyPolicy is among them.
fn policies(certificate: &Certificate) -> Result<Option<(BTreeSet<Policy<'_>>, bool)>, Malformed> {
    let Some(span) = certificate.extensions().certificate_policies else {
        return Ok(None);
    };
    let mut list = read::sole_sequence("certificatePolicies", span.of(certificate.der()))?;
    let mut policies = BTreeSet::new();
    while !list.is_empty() {
        let policy = list.sequence("certificatePolicies")?.expect(tag::OBJECT_IDENTIFIER)?.content();
        if !policies.insert(policy) {
            return Err(Malformed("certificatePolicies"));
        }
    }
    if policies.is_empty() {
        return Err(Malformed("certificatePolicies"));
    }
    let has_any = policies.remove(oid::ANY_POLICY.as_bytes());
    Ok(Some((policies, has_any)))
}

/// PolicyMappings ::= SEQUENCE OF SEQUENCE { issuerDomainPolicy, subjectDomainPolicy } (4.2.1.5).
fn mappings(certificate: &Certificate) -> Result<BTreeMap<Policy<'_>, BTreeSet<Policy<'_>>>, Malformed> {
    let mut mappings: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let Some(span) = certificate.extensions().policy_mappings else {
        return Ok(mappings);
    };
    let mut list = read::sole_sequence("policyMappings", span.of(certificate.der()))?;
    while !list.is_empty() {
        let mut mapping = list.sequence("policyMappings")?;
        let issuer_policy = mapping.expect(tag::OBJECT_IDENTIFIER)?.content();
        let subject_policy = mapping.expect(tag::OBJECT_IDENTIFIER)?.content();
        mapping.finish()?;
        mappings.entry(issuer_policy).or_default().insert(subject_policy);
    }
    Ok(mappings)
}

/// PolicyConstraints ::= SEQUENCE { requireExplicitPolicy [0] OPTIONAL, inhibitPolicyMapping [1] OPTIONAL } (4.2.1.11).
fn constraints(certificate: &Certificate) -> Result<(Option<u32>, Option<u32>), Malformed> {
    let Some(span) = certificate.extensions().policy_constraints else {
        return Ok((None, None));
    };
    let mut constraints = read::sole_sequence("policyConstraints", span.of(certificate.der()))?;
    let explicit = constraints.optional(tag::context(0))?.map(|skip| skip.unsigned()).transpose()?;
    let mapping = constraints.optional(tag::context(1))?.map(|skip| skip.unsigned()).transpose()?;
    constraints.finish()?;
    Ok((explicit, mapping))
}

/// InhibitAnyPolicy ::= INTEGER (0..MAX) (4.2.1.14).
fn inhibit_any(certificate: &Certificate) -> Result<Option<u32>, Malformed> {
    let Some(span) = certificate.extensions().inhibit_any_policy else {
        return Ok(None);
    };
    let mut value = read::Reader::new("inhibitAnyPolicy", span.of(certificate.der()));
    let skip = value.expect(tag::INTEGER)?.unsigned()?;
    value.finish()?;
    Ok(Some(skip))
}
