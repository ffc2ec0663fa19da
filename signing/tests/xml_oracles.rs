//! Canonical forms against libxml2: whole documents through `xmllint`, parts of documents through the digests that `xmlsec1` computes.
//!
//! Without these programs a test says that it is skipped. Documents are made from a fixed seed; `VUZOL_CORPORA`, where it is set, adds real ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crypto::digest::{DigestAlgorithm, hex};
use signing::xml::canonical::{self, Budget, Form, Method, Selection};
use signing::xml::{Document, Limits, Source, Target, read};

const DOCUMENTS: usize = 120;
const PARTS: usize = 120;

/// Xorshift: the same documents each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const PREFIXES: [&str; 4] = ["", "p", "q", "a"];
/// libxml2 writes `&` in a namespace as it is, against Canonical XML 1.0, 2.3: no such here.
const URIS: [&str; 3] = ["urn:1", "urn:2", "urn:3"];
const TEXTS: [&str; 9] =
    ["ї ", "\r\n\t", "&#13;", "&#xD;\n", "&lt;&amp;&gt;\"'", "<![CDATA[<&]]]>", "]] &gt;", "\u{1F600}&#x85;", "x"];
const VALUES: [&str; 8] = ["", "ї", "\t\n \r\n", "&#9;&#10;&#13;&#32;", "&lt;&gt;&amp;", "'&quot;", "a  b", "\u{2028}"];

/// A random element; `scope` says which prefixes are bound to what.
fn element(chance: &mut Chance, out: &mut String, depth: usize, scope: &[(&str, &str)], id: Option<&str>) {
    let mut scope = scope.to_vec();
    let mut declared = String::new();
    for prefix in PREFIXES {
        if chance.below(4) == 0 {
            let uri = if prefix.is_empty() && chance.below(3) == 0 { "" } else { chance.one(&URIS) };
            scope.retain(|(other, _)| *other != prefix);
            scope.push((prefix, uri));
            let colon = if prefix.is_empty() { "" } else { ":" };
            write!(declared, " xmlns{colon}{prefix}='{uri}'").unwrap();
        }
    }
    let bound: Vec<&str> = scope.iter().map(|(prefix, _)| *prefix).filter(|prefix| !prefix.is_empty()).collect();
    let mut name = chance.one(&["e", "f", "B"]).to_owned();
    if !bound.is_empty() && chance.below(2) == 0 {
        name = format!("{}:{name}", chance.one(&bound));
    }
    if id.is_some() {
        name = "target".to_owned();
    }
    write!(out, "<{name}").unwrap();
    let mut attributes: Vec<String> = Vec::new();
    for local in ["z", "b", "A"] {
        if chance.below(3) == 0 {
            attributes.push(format!("{local}=\"{}\"", chance.one(&VALUES).replace('"', "&quot;")));
        }
        if !bound.is_empty() && chance.below(4) == 0 {
            attributes.push(format!(
                "{}:{local}='{}'",
                chance.one(&bound),
                chance.one(&VALUES).replace('\'', "&apos;")
            ));
        }
    }
    for (local, values) in [("lang", ["uk", "en"]), ("space", ["preserve", "default"]), ("other", ["1", "2"])] {
        if chance.below(6) == 0 {
            attributes.push(format!("xml:{local}='{}'", chance.one(&values)));
        }
    }
    if chance.below(5) == 0 {
        attributes.push(format!("xml:base='{}'", chance.one(&["http://h/p/q", "r/s", "../t/", "/u", "v"])));
    }
    attributes.extend(id.map(|id| format!("Id='{id}'")));
    attributes.push(declared.trim().to_owned());
    while !attributes.is_empty() {
        let next = chance.below(attributes.len());
        write!(out, "{}{}", chance.one(&[" ", "\n ", "  "]), attributes.swap_remove(next)).unwrap();
    }
    out.push('>');
    for _ in 0..chance.below(5) {
        match chance.below(8) {
            0 => out.push_str("<!-- a\r\nb -->"),
            1 => out.push_str("<?t  d\r ?>"),
            2 | 3 => out.push_str(chance.one(&TEXTS)),
            4 => out.push_str(&format!("{}{}", chance.one(&TEXTS), chance.one(&TEXTS))),
            _ if depth > 0 => element(chance, out, depth - 1, &scope, None),
            _ => {}
        }
    }
    if id.is_some() {
        element(chance, out, 2, &scope, None);
    }
    write!(out, "</{name}\n>").unwrap();
}

fn random_document(chance: &mut Chance) -> String {
    let mut out = String::new();
    out.push_str(chance.one(&["", "<?xml version='1.0'?>\r\n", "\u{feff}<?xml version=\"1.0\" encoding='UTF-8'?>"]));
    out.push_str(chance.one(&["", "<!-- first -->", "<?first?>\n<!--\r\n-->"]));
    element(chance, &mut out, 4, &[], None);
    out.push_str(chance.one(&["", "\n", "<?last a?> <!-- last -->\n"]));
    out
}

fn written(document: &Document<'_>, method: &Method<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    let whole = Selection::document(document, true);
    canonical::write(document, &whole, method, &mut Budget::for_document(0), &mut |piece| {
        octets.extend_from_slice(piece)
    })
    .unwrap();
    octets
}

fn is_there(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        println!("skipped: {program} is not there");
    }
    there
}

/// Forms that differ from those of xmllint, by name.
fn differs_from_xmllint(file: &Path) -> Vec<String> {
    let octets = std::fs::read(file).unwrap();
    let source = Source::read(&octets, &Limits::DOCUMENT).unwrap();
    let document = source.parse().unwrap();
    let mut differing = Vec::new();
    for (flag, form) in [("--c14n", Form::Inclusive), ("--c14n11", Form::Inclusive11), ("--exc-c14n", Form::Exclusive)]
    {
        let theirs = Command::new("xmllint").args(["--nonet", "--huge", flag]).arg(file).output().unwrap();
        let ours = written(&document, &Method { form, comments: true, prefixes: Vec::new() });
        if theirs.stdout != ours {
            differing.push(format!(
                "{} {flag}\ntheirs: {}\nours:   {}",
                file.display(),
                String::from_utf8_lossy(&theirs.stdout),
                String::from_utf8_lossy(&ours)
            ));
        }
    }
    differing
}

#[test]
fn whole_documents_agree_with_xmllint() {
    if !is_there("xmllint") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut chance = Chance(0x5eed_0001);
    for number in 0..DOCUMENTS {
        let file = folder.path().join(format!("{number}.xml"));
        std::fs::write(&file, random_document(&mut chance)).unwrap();
        let differing = differs_from_xmllint(&file);
        assert!(differing.is_empty(), "{}", differing.join("\n"));
    }
    println!("{DOCUMENTS} random documents in three forms");
}

#[test]
fn real_documents_agree_with_xmllint() {
    let Some(corpora) = std::env::var_os("VUZOL_CORPORA").map(PathBuf::from) else {
        println!("skipped: VUZOL_CORPORA is not set");
        return;
    };
    if !is_there("xmllint") {
        return;
    }
    let mut compared = 0;
    let mut folders = vec![corpora.join("xades/files")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let octets = std::fs::read(&path).unwrap();
            let parsed = Source::read(&octets, &Limits::DOCUMENT).is_ok_and(|source| source.parse().is_ok());
            if parsed {
                let differing = differs_from_xmllint(&path);
                assert!(differing.is_empty(), "{}", differing.join("\n").chars().take(4000).collect::<String>());
                compared += 1;
            }
        }
    }
    println!("{compared} real documents in three forms");
    assert!(compared == 82);
}

const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const PARTIAL: [(&str, Form, &str); 4] = [
    ("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", Form::Inclusive, ""),
    ("http://www.w3.org/2006/12/xml-c14n11", Form::Inclusive11, ""),
    (EXCLUSIVE, Form::Exclusive, ""),
    (EXCLUSIVE, Form::Exclusive, "p #default a"),
];

/// A signature to be filled in by xmlsec1, with one reference for each form.
fn template() -> String {
    let references: String = PARTIAL
        .iter()
        .map(|(uri, _, prefixes)| {
            let list = if prefixes.is_empty() {
                String::new()
            } else {
                format!("<i:InclusiveNamespaces xmlns:i='{EXCLUSIVE}' PrefixList='{prefixes}'/>")
            };
            format!(
                "<Reference URI='#x'><Transforms><Transform Algorithm='{uri}'>{list}</Transform></Transforms>\
                 <DigestMethod Algorithm='http://www.w3.org/2001/04/xmlenc#sha256'/><DigestValue/></Reference>"
            )
        })
        .collect();
    format!(
        "<Signature xmlns='{SIGNATURE}'><SignedInfo><CanonicalizationMethod Algorithm='{EXCLUSIVE}'/>\
         <SignatureMethod Algorithm='{SIGNATURE}hmac-sha1'/>{references}</SignedInfo><SignatureValue/></Signature>"
    )
}

#[test]
fn parts_agree_with_xmlsec() {
    if !is_there("xmlsec1") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (key, input, output) = (folder.path().join("key"), folder.path().join("in.xml"), folder.path().join("out.xml"));
    std::fs::write(&key, b"0123456789abcdef").unwrap();
    let mut chance = Chance(0x5eed_0002);
    for _ in 0..PARTS {
        let mut inner = String::new();
        let scope = [("p", "urn:1"), ("q", "urn:2"), ("a", "urn:3")];
        element(&mut chance, &mut inner, 1, &scope, Some("x"));
        let around = chance.one(&["xml:lang='uk'", "xml:base='http://h/i/j'", "xml:space='preserve' xml:other='3'"]);
        let nearer =
            chance.one(&["xml:base='k/l'", "xmlns='urn:1'", "xmlns:p='urn:4' xml:lang='en'", "xmlns='' b='c'"]);
        let xml = format!(
            "<root xmlns='urn:0' xmlns:p='urn:1' xmlns:q='urn:2' xmlns:a='urn:3' {around}><between {nearer}>{inner}</between>{}</root>",
            template()
        );
        std::fs::write(&input, &xml).unwrap();
        let run = Command::new("xmlsec1")
            .args(["--sign", "--id-attr:Id", "target", "--hmackey"])
            .args([&key, Path::new("--output"), &output, &input])
            .output()
            .unwrap();
        assert!(run.status.success(), "{}\n{xml}", String::from_utf8_lossy(&run.stderr));
        assert_same_digests(&std::fs::read(&output).unwrap());
    }
    println!("{PARTS} random parts in four forms");
}

/// Each reference's digest, as xmlsec1 wrote it, is ours.
fn assert_same_digests(signed: &[u8]) {
    let source = Source::read(signed, &Limits::DOCUMENT).unwrap();
    let document = source.parse().unwrap();
    let Target::Element(target) = document.element_by_id("x") else { panic!("no target") };
    let values: Vec<Vec<u8>> = document
        .root()
        .descendants()
        .filter(|node| node.has_tag_name((SIGNATURE, "DigestValue")))
        .map(|node| read::base64(node).unwrap())
        .collect();
    assert_eq!(values.len(), PARTIAL.len());
    for ((_, form, prefixes), theirs) in PARTIAL.into_iter().zip(values) {
        let method = Method { form, comments: false, prefixes: prefixes.split_ascii_whitespace().collect() };
        let selection = Selection::element(target, false);
        let mut budget = Budget::for_document(0);
        let ours = canonical::digest(&document, &selection, &method, DigestAlgorithm::Sha256, &mut budget).unwrap();
        let mut octets = Vec::new();
        canonical::write(&document, &selection, &method, &mut budget, &mut |piece| octets.extend_from_slice(piece))
            .unwrap();
        assert_eq!(
            ours.to_hex(),
            hex(&theirs),
            "{form:?} {prefixes}\n{}\n{}",
            document.text(),
            String::from_utf8_lossy(&octets)
        );
    }
}
