//! A row of a corpus of signed documents, and whether a verdict agrees with it. The corpus' README says what the columns mean.
//!
//! The tests of `signing` read this file too, so that the rules stand once; it therefore needs `schemas` alone.

use std::collections::BTreeMap;

use schemas::report::{Report, SignatureReport};

/// What is expected of one file.
#[derive(Debug, Clone)]
pub struct Row {
    /// The signed file, a path under `files/`.
    pub file: String,
    /// `CAdES`, `ASiC-CAdES`, ...
    pub format: String,
    /// Contents that are given with the file, paths under `files/`.
    pub detached: Vec<String>,
    expected: Expected,
    signatures: Option<usize>,
    /// Indication and sub-indication of EN 319 102-1 without an anchor.
    conclusion: Option<(String, String)>,
    level: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Intact,
    Broken,
    Unreadable,
}

/// What came out for a row.
#[derive(Debug)]
pub enum Verdict {
    /// The file was read.
    Report(Box<Report>),
    /// It was refused, and why.
    Unreadable(String),
    /// The verifier fell over it.
    Crashed(String),
}

impl Row {
    /// Every row of a table.
    ///
    /// # Errors
    /// What is wrong with the table.
    pub fn table(text: &str) -> Result<Vec<Self>, String> {
        let mut records = records(text).into_iter();
        let header = records.next().ok_or("a table without a header")?;
        let rows = records.map(|fields| Self::read(&header.iter().cloned().zip(fields).collect()));
        rows.collect()
    }

    fn read(fields: &BTreeMap<String, String>) -> Result<Self, String> {
        let column = |name: &str| fields.get(name).cloned().ok_or_else(|| format!("no column {name}: {fields:?}"));
        let filled = |name: &str| Ok::<_, String>(Some(column(name)?).filter(|value| !value.is_empty()));
        let expected = match column("expected")?.as_str() {
            "intact" => Expected::Intact,
            "broken" => Expected::Broken,
            "unreadable" => Expected::Unreadable,
            other => return Err(format!("nothing is {other:?}")),
        };
        let signatures = filled("expected_signatures")?.map(|number| number.parse().map_err(|_| number)).transpose()?;
        let sub_indication = column("expected_sub_indication")?;
        Ok(Self {
            file: column("file")?,
            format: column("format")?,
            detached: column("detached_content")?.split(';').filter(|name| !name.is_empty()).map(Into::into).collect(),
            expected,
            signatures,
            conclusion: filled("expected_indication")?.map(|indication| (indication, sub_indication)),
            level: filled("expected_level")?,
        })
    }

    /// The name of the row: its file, and what is given with it.
    #[must_use]
    pub fn id(&self) -> String {
        self.detached.iter().fold(self.file.clone(), |id, content| id + " + " + content)
    }

    /// How the verdict disagrees with the row, if it does. Conclusion and level are no part of it, see [`Row::remark`].
    #[must_use]
    pub fn disagreement(&self, verdict: &Verdict) -> Option<String> {
        let report = match verdict {
            Verdict::Report(report) => report,
            Verdict::Unreadable(_) if self.expected != Expected::Intact => return None,
            Verdict::Unreadable(why) => return Some(format!("refused: {why}")),
            Verdict::Crashed(how) => return Some(format!("CRASHED: {how}")),
        };
        // Counter-signatures are signatures, too; only the number leaves them out.
        let broken = report.signatures.iter().any(is_broken);
        let agrees = match self.expected {
            Expected::Intact => {
                let number = report.signatures.len();
                number > 0 && !broken && self.signatures.is_none_or(|expected| expected == number)
            }
            Expected::Broken => broken,
            Expected::Unreadable => false,
        };
        (!agrees).then(|| format!("expected {:?}, found {}", self.expected, summary(report)))
    }

    /// Whether the row states a conclusion or a level.
    #[must_use]
    pub fn states_more(&self) -> bool {
        self.conclusion.is_some() || self.level.is_some()
    }

    /// Which other conclusion or level was found than the row states, where the file was read.
    #[must_use]
    pub fn remark(&self, verdict: &Verdict) -> Option<String> {
        let Verdict::Report(report) = verdict else { return None };
        self.other_conclusion(report).or_else(|| self.other_level(report))
    }

    fn other_conclusion(&self, report: &Report) -> Option<String> {
        let (indication, sub) = self.conclusion.as_ref()?;
        let concluded = |signature: &SignatureReport| {
            let found = signature.sub_indication.map(|sub| screaming(&format!("{sub:?}"))).unwrap_or_default();
            screaming(&format!("{:?}", signature.indication)) == *indication && found == *sub
        };
        let agrees = report.signatures.iter().any(concluded);
        (!agrees).then(|| format!("expected {indication} {sub}, found {}", summary(report)))
    }

    /// `CAdES_BASELINE_B` is our `CAdES-BASELINE-B`.
    fn other_level(&self, report: &Report) -> Option<String> {
        let expected = self.level.as_ref()?;
        let other = report.signatures.iter().find(|signature| signature.level.replace('-', "_") != *expected)?;
        Some(format!("level {}, expected {expected}", other.level))
    }
}

fn is_broken(signature: &SignatureReport) -> bool {
    !signature.intact || signature.counter_signatures.iter().any(is_broken)
}

/// For each signature: intact or not, the conclusion, the codes of the reasons. No names: they are those of real people.
fn summary(report: &Report) -> String {
    let of = |signature: &SignatureReport| {
        let codes: Vec<&str> = signature.reasons.iter().map(|reason| reason.code.as_str()).collect();
        let state = if signature.intact { "intact" } else { "broken" };
        format!("{state} {:?} {:?} [{}]", signature.indication, signature.sub_indication, codes.join(" "))
    };
    let signatures: Vec<String> = report.signatures.iter().map(of).collect();
    format!("{} signatures: {}", signatures.len(), signatures.join("; "))
}

/// `TotalPassed` is `TOTAL_PASSED` in the standard.
fn screaming(name: &str) -> String {
    let mut screamed = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !screamed.is_empty() {
            screamed.push('_');
        }
        screamed.push(character.to_ascii_uppercase());
    }
    screamed
}

/// Comma-separated values (RFC 4180).
pub fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut fields, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                fields.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut fields));
            }
            '\r' if !quoted => {}
            c => field.push(c),
        }
    }
    if !field.is_empty() || !fields.is_empty() {
        fields.push(field);
        records.push(fields);
    }
    records
}
