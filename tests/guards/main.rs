//! The rules of ARCHITECTURE.md and STYLE as tests: who may import whom, what stays behind which fence, that every
//! operation of the API refuses strangers, what hostile input may cost.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a guard fails by panicking")]

mod bad_inputs;
mod imports;
mod manifests;
mod memory;
mod operations;
mod security;
mod sources;

use std::path::{Path, PathBuf};

/// The workspace's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace")
}

/// The workspace's crates: name, and folder relative to the workspace.
fn crates() -> Vec<(String, PathBuf)> {
    let metadata = metadata();
    let folder = |manifest: &cargo_metadata::camino::Utf8Path| {
        manifest
            .parent()
            .and_then(|folder| folder.as_std_path().strip_prefix(root()).ok())
            .expect("a folder")
            .to_owned()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), folder(&package.manifest_path))).collect()
}

/// What the workspace's crates declare.
fn metadata() -> cargo_metadata::Metadata {
    let mut command = cargo_metadata::MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).no_deps();
    command.exec().expect("cargo metadata")
}
