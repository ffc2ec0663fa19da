//! Every operation of the API's description refuses whom it must: without a client certificate, with one of an untrusted
//! authority, with one that nobody registered, and with a malformed identifier. Each refusal has its code and its row in
//! the log. What the description lists is what is probed: an operation that cannot be probed fails the test.

use certs::dev::Usage;
use schemas::ProblemCode;
use serde_json::Value;
use tests::harness::{Region, Request, Wire};

/// The description that is kept in the repository.
fn golden() -> Value {
    let text = std::fs::read_to_string(super::root().join("schemas/openapi/v1.json")).expect("the golden file");
    serde_json::from_str(&text).expect("the golden file is JSON")
}

/// Values for the parameters of paths: one that is well formed, one that is not, and how the latter is refused.
const PARAMETERS: &[(&str, &str, &str, ProblemCode)] = &[
    ("mailbox", "99000001.chancellery", "chancellery", ProblemCode::MalformedId),
    (
        "message",
        "01938f6e-3c00-7abc-8def-0123456789ab",
        "01938F6E-3C00-7ABC-8DEF-0123456789AB",
        ProblemCode::MalformedId,
    ),
    ("part", "0", "first", ProblemCode::MalformedId),
    ("case", "01938f6e-3c00-7abc-8def-0123456789ab", "6fa459ea-ee8a-4ca4-894e-db77e160355e", ProblemCode::MalformedId),
    ("edrpou", "99000001", "9900001", ProblemCode::MalformedId),
    ("person", "01938f6e-3c00-7abc-8def-0123456789ab", "1", ProblemCode::MalformedId),
    ("assignment", "01938f6e-3c00-7abc-8def-0123456789ab", "1", ProblemCode::MalformedId),
    ("import", "01938f6e-3c00-7abc-8def-0123456789ab", "1", ProblemCode::MalformedId),
    ("sha256", "0000000000000000000000000000000000000000000000000000000000000000", "00", ProblemCode::MalformedId),
    ("hold", "01938f6e-3c00-7abc-8def-0123456789ab", "1", ProblemCode::MalformedId),
    ("act", "01938f6e-3c00-7abc-8def-0123456789ab", "1", ProblemCode::MalformedId),
    ("person", "01938f6e-3c00-7abc-8def-0123456789ab", "1", ProblemCode::MalformedId),
    ("token", "01938f6e-3c00-7abc-8def-0123456789ab", "1", ProblemCode::MalformedId),
    ("copy", "01938f6e-3c00-7abc-8def-0123456789ab", "1", ProblemCode::MalformedId),
    ("application", "01938f6e-3c00-7abc-8def-0123456789ab", "1", ProblemCode::MalformedId),
    ("access", "01938f6e-3c00-7abc-8def-0123456789ab", "1", ProblemCode::MalformedId),
    ("alert", "01938f6e-3c00-7abc-8def-0123456789ab", "1", ProblemCode::MalformedId),
    ("event", "01938f6e-3c00-7abc-8def-0123456789ab", "1", ProblemCode::MalformedId),
    ("path", "0/000", "0/1", ProblemCode::NotFound),
    ("anchor", "1.tsr", "01.tsr", ProblemCode::NotFound),
    ("kind", "letter", "none", ProblemCode::NotFound),
    ("version", "1", "first", ProblemCode::MalformedId),
    ("provider", "gov", "nobody", ProblemCode::NotFound),
    ("peer", "two.example", "-two", ProblemCode::MalformedId),
];

struct Operation {
    method: String,
    path: String,
    media_type: Option<String>,
}

impl Operation {
    /// The operations of a description.
    fn of(description: &Value) -> Vec<Self> {
        let paths = description["paths"].as_object().expect("paths");
        let methods = ["get", "put", "post", "delete", "patch", "head", "options", "trace"];
        paths
            .iter()
            .flat_map(|(path, item)| methods.iter().filter_map(move |method| Some((path, *method, item.get(*method)?))))
            .map(|(path, method, operation)| Self {
                method: method.to_uppercase(),
                path: path.clone(),
                media_type: operation["requestBody"]["content"]
                    .as_object()
                    .and_then(|content| content.keys().next().cloned()),
            })
            .collect()
    }

    fn parameters(&self) -> Vec<&'static (&'static str, &'static str, &'static str, ProblemCode)> {
        let names = self.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        names
            .map(|name| {
                let known = PARAMETERS.iter().find(|(known, ..)| *known == name.trim_start_matches('*'));
                known.unwrap_or_else(|| panic!("{}: no values to probe {{{name}}} with", self.path))
            })
            .collect()
    }

    /// The request with well-formed parameters, or with the one of that name malformed.
    fn request(&self, malformed: Option<&str>) -> Request {
        let mut target = self.path.clone();
        for (name, good, bad, _) in self.parameters() {
            let value = if malformed == Some(name) { bad } else { good };
            target = target.replace(&format!("{{{name}}}"), value).replace(&format!("{{*{name}}}"), value);
        }
        let request = Request::new(&self.method, &target)
            .header("vuzol-lease", "01938f6e-3c00-7abc-8def-0123456789ab")
            .header("idempotency-key", "probe");
        match self.media_type.as_deref() {
            None => request,
            Some("multipart/form-data") => request.body("multipart/form-data; boundary=b", "--b--\r\n"),
            Some(media_type) => request.body(media_type, "{}"),
        }
    }

    /// How often each operation is refused, and with what.
    async fn probe(&self, doors: &Doors) -> Vec<ProblemCode> {
        let mut codes = Vec::new();
        for (wire, status, code) in [
            (&doors.nobody, 401, ProblemCode::ClientCertificateMissing),
            (&doors.foreigner, 401, ProblemCode::ClientCertificateUntrusted),
            (&doors.stranger, 401, ProblemCode::ClientCertificateUnregistered),
        ] {
            self.refuses(wire, &self.request(None), Some(status), code).await;
            codes.push(code);
        }
        for (name, _, _, code) in self.parameters() {
            self.refuses(&doors.participant, &self.request(Some(name)), None, *code).await;
            codes.push(*code);
        }
        codes
    }

    async fn refuses(&self, wire: &Wire, request: &Request, status: Option<u16>, code: ProblemCode) {
        let answer = wire.asks(request).await;
        let shown = format!("{} {}", self.method, self.path);
        assert_eq!(answer.problem().code, code.as_str(), "{shown}");
        let expected = status.unwrap_or(if code == ProblemCode::NotFound { 404 } else { 400 });
        assert_eq!(answer.status, expected, "{shown}: {code}");
    }
}

struct Doors {
    nobody: Wire,
    foreigner: Wire,
    stranger: Wire,
    participant: Wire,
}

impl Doors {
    fn of(region: &Region) -> Self {
        let (authority, identity) = region.ground.foreign(&region.a, Usage::TlsClient);
        let address = region.ground.config.listen.public;
        Self {
            nobody: region.wire(None),
            foreigner: Wire::new(region.ground.site.pki(), Some((&identity, &authority)), address),
            stranger: region.wire(Some(region.stranger.login())),
            participant: region.wire(Some(region.a.login())),
        }
    }
}

/// Operations that one node is asked: each refuses three strangers, and of one address a node writes 120 refusals down at once.
const OF_ONE_NODE: usize = 36;

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_refuses_strangers_and_malformed_identifiers() {
    let operations = Operation::of(&golden());
    assert!(operations.len() >= 13, "only {} operations are described", operations.len());
    for operations in operations.chunks(OF_ONE_NODE) {
        let region = Region::start().await;
        let doors = Doors::of(&region);
        let mut refusals = Vec::new();
        for operation in operations {
            refusals.extend(operation.probe(&doors).await);
        }
        let book = region.book().await;
        for code in refusals.iter().copied().collect::<std::collections::BTreeSet<_>>() {
            let expected = refusals.iter().filter(|refusal| **refusal == code).count();
            assert!(book.refusals(code) >= expected, "{code}: {} rows for {expected} refusals", book.refusals(code));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_describes_itself_as_the_golden_file_does() {
    let region = Region::start().await;
    let answer = region.wire(Some(region.a.login())).asks(&Request::get("/v1/openapi.json")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.json::<Value>() == golden(), "the served description differs from schemas/openapi/v1.json");
}

#[test]
#[should_panic(expected = "no values to probe {newcomer} with")]
fn an_operation_that_cannot_be_probed_is_noticed() {
    let description = serde_json::json!({"paths": {"/v1/things/{newcomer}": {"get": {}}}});
    let operations = Operation::of(&description);
    for operation in &operations {
        let _ = operation.request(None);
    }
}
