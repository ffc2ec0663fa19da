//! The stage of the tests: an authority, a node with its own clock and folders, and agencies that act on it.
//!
//! A test reads as a story:
//!
//! ```text
//! let region = Region::start().await;
//! let receipt = region.a.submits(pdf("one")).to(&region.b.mailbox()).await?;
//! let lease = region.b.leases(10).await?;
//! let opened = region.b.opens(&lease, &lease.messages[0]).await?;
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`ground`] | what a node stands on: keys, configuration, the authority's services |
//! | [`agency`] | a participant with its keys, and what it does |
//! | [`region`] | a node in this process with three agencies around it |
//! | [`people`] | people with their keys, and what they do at the portals |
//! | [`neighbours`] | several nodes that relay to each other |
//! | [`process`] | a node in a process of its own, to be killed and measured |
//! | [`witness`] | a witness in a process of its own |
//! | [`wire`] | HTTP written by hand over TLS |
//! | [`book`] | the node's transparency log, read and checked as an outsider would |
//! | [`store`] | what the node keeps on its disk |

pub mod agency;
pub mod book;
pub mod ground;
pub mod neighbours;
pub mod people;
pub mod process;
pub mod region;
pub mod store;
pub mod wire;
pub mod witness;

pub use agency::{Agency, Opened};
pub use book::Book;
pub use ground::Ground;
pub use neighbours::Neighbours;
pub use people::{Page, Person};
pub use process::NodeProcess;
pub use region::Region;
pub use wire::{Answer, Form, Request, Wire};
pub use witness::WitnessProcess;

use bytes::Bytes;

/// A one-page PDF that says `text`.
#[must_use]
pub fn pdf(text: &str) -> Bytes {
    let drawing = format!("BT /F1 18 Tf 72 770 Td ({text}) Tj ET");
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>".to_owned(),
        format!("<</Length {}>>stream\n{drawing}\nendstream", drawing.len()),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.7\n");
    let mut offsets = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file += &format!("{} 0 obj{object}endobj\n", number + 1);
    }
    let table = file.len();
    file += &format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for offset in offsets {
        file += &format!("{offset:010} 00000 n \n");
    }
    file += &format!("trailer<</Size {}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1);
    file.into()
}
