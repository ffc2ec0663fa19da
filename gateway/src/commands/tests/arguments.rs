use super::*;

#[test]
fn the_declaration_of_the_command_line_is_consistent() {
    use clap::CommandFactory;
    super::super::CommandLine::command().debug_assert();
}

#[test]
fn a_mistake_is_explained_on_stderr_and_is_no_verdict() {
    for wrong in [
        &["vrify"][..],
        &["verify"],
        &["verify", "--at", "yesterday", "x"],
        &["sign", "x"],
        &["demo", "x"],
        &["admin"],
        &["keys"],
        &["keys", "destroy-ring", "../current"],
        &[],
    ] {
        let seen = vuzol(wrong);
        assert_eq!(seen.code, exit::USAGE, "{wrong:?}");
        assert!(seen.out.is_empty() && !seen.err.is_empty(), "{wrong:?}");
    }
}

#[test]
fn help_and_version_are_results() {
    let help = vuzol(&["--help"]);
    assert_eq!(help.code, exit::OK);
    for command in ["verify", "evidence", "audit", "sign", "seal", "open", "keys", "demo", "admin"] {
        assert!(help.out.contains(command), "{command}");
        let own = vuzol(&[command, "--help"]);
        assert_eq!((own.code, own.err.as_str()), (exit::OK, ""), "{command}");
        assert!(own.out.contains("Example"), "{command} teaches by example");
    }
    assert!(help.out.contains("INDETERMINATE"), "the exit codes are listed");
    assert_eq!(vuzol(&["--version"]).out, format!("vuzol {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn admin_reads_its_arguments_before_it_speaks_to_anyone() {
    let set = |code: &str| vuzol(&["admin", "participant", "set", code, "--name", "A", "--mailbox", "m"]);
    assert_eq!(set("1234567").code, exit::USAGE, "seven digits");
    assert_eq!(set("00000001").code, exit::USAGE, "no node");
    let absent =
        ["--node", "https://localhost:1", "--roots", "/absent", "--certificate", "/absent", "--key", "/absent"];
    let list: Vec<&str> = ["admin", "participant", "list"].into_iter().chain(absent).collect();
    let seen = vuzol(&list);
    assert_eq!((seen.code, seen.err.lines().count()), (exit::UNREADABLE, 1), "{}", seen.err);
}
