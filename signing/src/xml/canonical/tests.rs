use super::super::{Limits, Source, Target};
use super::*;

const ALL: [(Form, bool); 6] = [
    (Form::Inclusive, false),
    (Form::Inclusive, true),
    (Form::Inclusive11, false),
    (Form::Inclusive11, true),
    (Form::Exclusive, false),
    (Form::Exclusive, true),
];

fn method(form: Form, comments: bool) -> Method<'static> {
    Method { form, comments, prefixes: Vec::new() }
}

fn written(document: &Document<'_>, selection: &Selection, method: &Method<'_>) -> String {
    let mut octets = Vec::new();
    let mut budget = Budget::for_document(0);
    write(document, selection, method, &mut budget, &mut |piece| octets.extend_from_slice(piece)).unwrap();
    String::from_utf8(octets).unwrap()
}

/// The whole document.
fn whole(xml: &str, method: &Method<'_>) -> String {
    let source = Source::read(xml.as_bytes(), &Limits::DOCUMENT).unwrap();
    let document = source.parse().unwrap();
    written(&document, &Selection::document(&document, true), method)
}

/// The element with the Id `x`.
fn part(xml: &str, method: &Method<'_>) -> String {
    let source = Source::read(xml.as_bytes(), &Limits::DOCUMENT).unwrap();
    let document = source.parse().unwrap();
    let Target::Element(element) = document.element_by_id("x") else { panic!("no element") };
    written(&document, &Selection::element(element, true), method)
}

#[test]
fn outside_the_root_each_node_has_its_line() {
    let xml = "\u{feff}<?xml version='1.0'?>\n\n<!-- one --><?a  b ?>\n<?c?>\n<doc/> <?d\te?>\n<!-- two -->\n";
    assert_eq!(whole(xml, &method(Form::Inclusive, false)), "<?a b ?>\n<?c?>\n<doc></doc>\n<?d e?>");
    let commented = "<!-- one -->\n<?a b ?>\n<?c?>\n<doc></doc>\n<?d e?>\n<!-- two -->";
    assert_eq!(whole(xml, &method(Form::Exclusive, true)), commented);
}

#[test]
fn white_space_in_content_stays() {
    let xml = "<doc>\r\n  <a  b = 'c'\n/>\t<d> e\n</d >  <?f  g?><!-- h --></doc>";
    assert_eq!(
        whole(xml, &method(Form::Inclusive, true)),
        "<doc>\n  <a b=\"c\"></a>\t<d> e\n</d>  <?f g?><!-- h --></doc>"
    );
}

#[test]
fn characters_are_escaped_each_in_its_place() {
    let xml = "<a b='&lt;&gt;&amp;\"&apos;\u{9}\n&#9;&#10;&#13;&#x20;ї' ><![CDATA[<&>\"']]>&#13;\r\n&lt;&gt;&#x1F600;\u{9}</a>";
    let expected = "<a b=\"&lt;>&amp;&quot;'  &#x9;&#xA;&#xD; ї\">&lt;&amp;&gt;\"'&#xD;\n&lt;&gt;😀\u{9}</a>";
    for (form, comments) in ALL {
        assert_eq!(whole(xml, &method(form, comments)), expected);
    }
}

#[test]
fn carriage_returns_beside_references_are_line_ends() {
    assert_eq!(whole("<a>&#13;\r&#65;\r&#13;\r</a>", &method(Form::Inclusive, false)), "<a>&#xD;\nA\n&#xD;\n</a>");
    assert_eq!(whole("<a><!--\r\n\r--><?b c\rd?></a>", &method(Form::Inclusive, true)), "<a><!--\n\n--><?b c\nd?></a>");
}

#[test]
fn attributes_are_sorted_by_namespace_and_name() {
    let xml = "<a:e z:b='1' a='2' xml:lang='uk' y:a='3' B='4' xmlns:z='urn:1' xmlns:y='urn:2' xmlns:a='urn:3' xmlns='urn:4'/>";
    assert_eq!(
        whole(xml, &method(Form::Inclusive, false)),
        "<a:e xmlns=\"urn:4\" xmlns:a=\"urn:3\" xmlns:y=\"urn:2\" xmlns:z=\"urn:1\" B=\"4\" a=\"2\" xml:lang=\"uk\" z:b=\"1\" y:a=\"3\"></a:e>"
    );
    assert_eq!(
        whole(xml, &method(Form::Exclusive, false)),
        "<a:e xmlns:a=\"urn:3\" xmlns:y=\"urn:2\" xmlns:z=\"urn:1\" B=\"4\" a=\"2\" xml:lang=\"uk\" z:b=\"1\" y:a=\"3\"></a:e>"
    );
}

#[test]
fn declarations_are_written_once_and_the_default_is_undone() {
    let xml = "<a xmlns='urn:1' xmlns:p='urn:p'><b xmlns='urn:1' xmlns:p='urn:p'/><c xmlns=''><d xmlns=''/><e xmlns='urn:1'/></c><p:f xmlns:p='urn:q'/></a>";
    assert_eq!(
        whole(xml, &method(Form::Inclusive11, false)),
        "<a xmlns=\"urn:1\" xmlns:p=\"urn:p\"><b></b><c xmlns=\"\"><d></d><e xmlns=\"urn:1\"></e></c><p:f xmlns:p=\"urn:q\"></p:f></a>"
    );
    assert_eq!(
        whole(xml, &method(Form::Exclusive, false)),
        "<a xmlns=\"urn:1\"><b></b><c xmlns=\"\"><d></d><e xmlns=\"urn:1\"></e></c><p:f xmlns:p=\"urn:q\"></p:f></a>"
    );
}

#[test]
fn a_part_takes_what_is_in_scope() {
    let xml = "<a xmlns='urn:1' xmlns:p='urn:p' xmlns:q='urn:q'><b Id='x' q:c='1'><p:d/><e xmlns=''/></b></a>";
    assert_eq!(
        part(xml, &method(Form::Inclusive, false)),
        "<b xmlns=\"urn:1\" xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" Id=\"x\" q:c=\"1\"><p:d></p:d><e xmlns=\"\"></e></b>"
    );
    assert_eq!(
        part(xml, &method(Form::Exclusive, false)),
        "<b xmlns=\"urn:1\" xmlns:q=\"urn:q\" Id=\"x\" q:c=\"1\"><p:d xmlns:p=\"urn:p\"></p:d><e xmlns=\"\"></e></b>"
    );
}

#[test]
fn prefixes_of_the_list_are_written_where_they_are_in_scope() {
    let xml =
        "<a xmlns='urn:1' xmlns:p='urn:p' xmlns:q='urn:q'><q:b Id='x'><c xmlns:p='urn:r'/><d xmlns=''/></q:b></a>";
    let listed = |prefixes: &[&'static str]| Method { prefixes: prefixes.to_vec(), ..method(Form::Exclusive, false) };
    assert_eq!(
        part(xml, &listed(&["p", "s"])),
        "<q:b xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" Id=\"x\"><c xmlns=\"urn:1\" xmlns:p=\"urn:r\"></c><d></d></q:b>"
    );
    assert_eq!(
        part(xml, &listed(&["#default"])),
        "<q:b xmlns=\"urn:1\" xmlns:q=\"urn:q\" Id=\"x\"><c></c><d xmlns=\"\"></d></q:b>"
    );
}

#[test]
fn a_part_inherits_attributes_of_xml() {
    let xml = "<a xml:lang='uk' xml:space='preserve' xml:id='i' xml:base='http://a/b/' xml:other='o'>\
               <b xml:lang='en' xml:base='c/d'><e Id='x' xml:space='default' xml:base='f'><g/></e></b></a>";
    assert_eq!(
        part(xml, &method(Form::Inclusive, false)),
        "<e Id=\"x\" xml:base=\"f\" xml:id=\"i\" xml:lang=\"en\" xml:other=\"o\" xml:space=\"default\"><g></g></e>"
    );
    assert_eq!(
        part(xml, &method(Form::Inclusive11, false)),
        "<e Id=\"x\" xml:base=\"http://a/b/c/f\" xml:lang=\"en\" xml:space=\"default\"><g></g></e>"
    );
    assert_eq!(
        part(xml, &method(Form::Exclusive, false)),
        "<e Id=\"x\" xml:base=\"f\" xml:space=\"default\"><g></g></e>"
    );
}

#[test]
fn what_is_omitted_leaves_the_rest_as_it_is() {
    let source = Source::read(b"<a> <b Id='x'><c/></b><!-- d --><e/> </a>", &Limits::DOCUMENT).unwrap();
    let document = source.parse().unwrap();
    let Target::Element(omitted) = document.element_by_id("x") else { panic!("no element") };
    let mut selection = Selection::document(&document, false);
    selection.omit(omitted.id());
    assert_eq!(written(&document, &selection, &method(Form::Inclusive, true)), "<a> <e></e> </a>");
    assert!(selection.contains(document.root_element()));
    assert!(!selection.contains(omitted.first_child().unwrap()));
}

#[test]
fn identifiers_name_each_form() {
    for (form, without, with) in IDENTIFIERS {
        assert_eq!(Method::from_uri(without), Some(method(form, false)));
        assert_eq!(Method::from_uri(with), Some(method(form, true)));
    }
    assert_eq!(Method::from_uri(""), None);
    assert_eq!(Method::from_uri("http://www.w3.org/TR/1999/REC-xslt-19991116"), None);
}

#[test]
fn a_form_that_grows_spends_the_budget() {
    let name = "u".repeat(1000);
    let xml = format!("<a xmlns:p='{name}'>{}</a>", "<p:b/>".repeat(1000));
    let source = Source::read(xml.as_bytes(), &Limits::DOCUMENT).unwrap();
    let document = source.parse().unwrap();
    let mut budget = Budget::new(100_000);
    let mut seen = 0;
    let whole = Selection::document(&document, true);
    let result =
        write(&document, &whole, &method(Form::Exclusive, false), &mut budget, &mut |piece| seen += piece.len());
    assert_eq!(result, Err(Exhausted));
    assert!(seen <= 100_000);
}

/// Whoever visits a million comments a thousand times has no time for others.
#[test]
fn visiting_what_is_not_written_spends_the_budget_too() {
    let xml = format!("<a>{}</a>", "<!---->".repeat(50_000));
    let source = Source::read(xml.as_bytes(), &Limits::DOCUMENT).unwrap();
    let document = source.parse().unwrap();
    let whole = Selection::document(&document, true);
    let mut budget = Budget::new(100_000);
    let mut write_once = || write(&document, &whole, &method(Form::Inclusive, false), &mut budget, &mut |_| {});
    assert_eq!([write_once(), write_once()], [Ok(()), Err(Exhausted)]);
}

/// Deeper than a stack would bear.
#[test]
fn depth_costs_no_stack() {
    let limits = Limits { depth: u16::MAX, ..Limits::DOCUMENT };
    let xml = format!("{}{}", "<a>".repeat(60_000), "</a>".repeat(60_000));
    let source = Source::read(xml.as_bytes(), &limits).unwrap();
    let document = source.parse().unwrap();
    assert_eq!(written(&document, &Selection::document(&document, true), &method(Form::Inclusive, false)), xml);
}
