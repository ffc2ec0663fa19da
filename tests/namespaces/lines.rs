//! Namespaces and the lines between them, by iproute2.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tests::chance::Chance;

/// Names of the nodes, in the order of their namespaces.
pub(crate) const NAMES: [&str; 3] = ["one.example", "two.example", "three.example"];

/// The two ends of each line.
const LINES: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];

/// Three namespaces, a line between each two, and one from this process to each, which is never cut. All go with this value.
pub(crate) struct Lines {
    /// Tells this run's names from those of others.
    tag: u32,
    /// What loses packets here: arguments of `tc qdisc`.
    lossy: Option<&'static [&'static str]>,
}

/// Runs a command of iproute2; what it says where it fails.
fn run(program: &str, arguments: &str) -> Result<(), String> {
    let output = Command::new(program).args(arguments.split_whitespace()).output().map_err(|e| e.to_string())?;
    let said = || format!("{program} {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim());
    if output.status.success() { Ok(()) } else { Err(said()) }
}

fn ip(arguments: &str) {
    run("ip", arguments).expect("what worked before");
}

impl Lines {
    /// Lays them. None, and a word about it, where there are no namespaces to be had.
    #[allow(clippy::print_stdout, reason = "a skipped test says so")]
    pub(crate) fn lay() -> Option<Self> {
        let mut lines = Self { tag: std::process::id() % 30_000, lossy: None };
        if let Err(why) = run("ip", &format!("netns add {}", lines.namespace(0))) {
            println!("skipped: no network namespaces here (they need root and iproute2): {why}");
            return None;
        }
        let bridge = lines.device("b");
        ip(&format!("link add {bridge} type bridge"));
        ip(&format!("address add {}/24 dev {bridge}", lines.here()));
        ip(&format!("link set {bridge} up"));
        for node in 0..3 {
            if node > 0 {
                ip(&format!("netns add {}", lines.namespace(node)));
            }
            lines.attaches(node, &bridge);
        }
        for (one, other) in LINES {
            lines.joins(one, other);
        }
        lines.lossy = lines.finds_loss();
        Some(lines)
    }

    /// The namespace of a node.
    pub(crate) fn namespace(&self, node: usize) -> String {
        format!("vuzol-{}-{node}", self.tag)
    }

    /// Names of devices have 15 characters at most.
    fn device(&self, what: &str) -> String {
        format!("vz{}{what}", self.tag)
    }

    /// Where this process is for the nodes.
    pub(crate) fn here(&self) -> String {
        format!("10.213.{}.254", self.tag % 250)
    }

    /// Where a node is for this process.
    pub(crate) fn management(&self, node: usize) -> String {
        format!("10.213.{}.{}", self.tag % 250, node + 1)
    }

    fn attaches(&self, node: usize, bridge: &str) {
        let (space, outer) = (self.namespace(node), self.device(&format!("m{node}")));
        ip(&format!("link add {outer} type veth peer name manage netns {space}"));
        ip(&format!("link set {outer} master {bridge} up"));
        ip(&format!("-n {space} address add {}/24 dev manage", self.management(node)));
        ip(&format!("-n {space} link set lo up"));
        ip(&format!("-n {space} link set manage up"));
        // `ip netns exec` lays this file over /etc/hosts.
        let hosts = self.etc(node);
        std::fs::create_dir_all(&hosts).expect("a folder below /etc/netns");
        let others = (0..3).filter(|other| *other != node);
        let known: String = others.map(|other| format!("{} {}\n", Self::address(other, node), NAMES[other])).collect();
        std::fs::write(hosts.join("hosts"), format!("127.0.0.1 localhost\n{known}")).expect("a file");
    }

    fn etc(&self, node: usize) -> PathBuf {
        Path::new("/etc/netns").join(self.namespace(node))
    }

    /// The address of `node` on its line to `other`.
    fn address(node: usize, other: usize) -> String {
        format!("10.214.{}.{}", node + other, node + 1)
    }

    fn joins(&self, one: usize, other: usize) {
        let (from, to) = (self.namespace(one), self.namespace(other));
        ip(&format!("-n {from} link add to{other} type veth peer name to{one} netns {to}"));
        for (node, far) in [(one, other), (other, one)] {
            let space = self.namespace(node);
            ip(&format!("-n {space} address add {}/24 dev to{far}", Self::address(node, far)));
            ip(&format!("-n {space} link set to{far} up"));
        }
    }

    /// Kernels have netem as a module or not at all. A bucket that overflows drops packets too, which is what happens on real lines.
    fn finds_loss(&self) -> Option<&'static [&'static str]> {
        const NETEM: &[&str] = &["netem", "loss", "20%", "delay", "5ms"];
        const BUCKET: &[&str] = &["tbf", "rate", "8mbit", "burst", "6kb", "limit", "9kb"];
        [NETEM, BUCKET].into_iter().find(|how| {
            let there = self.queue(0, &format!("add dev to1 root {}", how.join(" "))).is_ok();
            there && self.queue(0, "del dev to1 root").is_ok()
        })
    }

    fn queue(&self, node: usize, what: &str) -> Result<(), String> {
        run("tc", &format!("-n {} qdisc {what}", self.namespace(node)))
    }

    /// Takes a line down at one of its ends, or has it lose packets, for a while.
    ///
    /// Where the near end is down the sender knows at once; where it is the far one, packets go out and nothing comes back.
    pub(crate) async fn harms_one(&self, chance: &mut Chance) {
        let (one, other) = LINES[chance.below(3)];
        let (node, far) = if chance.below(4) == 0 { (one, other) } else { (other, one) };
        let space = self.namespace(node);
        let while_ = Duration::from_millis(u64::try_from(200 + chance.below(900)).expect("a second"));
        match self.lossy {
            Some(how) if chance.below(3) == 0 => {
                self.queue(one, &format!("add dev to{other} root {}", how.join(" "))).expect("a lossy line");
                tokio::time::sleep(while_).await;
                self.queue(one, &format!("del dev to{other} root")).expect("a sound line");
            }
            _ => {
                ip(&format!("-n {space} link set to{far} down"));
                tokio::time::sleep(while_).await;
                ip(&format!("-n {space} link set to{far} up"));
            }
        }
        tokio::time::sleep(Duration::from_millis(u64::try_from(chance.below(300)).expect("a moment"))).await;
    }

    /// Every line is up.
    pub(crate) fn mends_all(&self) {
        for (one, other) in LINES {
            ip(&format!("-n {} link set to{other} up", self.namespace(one)));
            ip(&format!("-n {} link set to{one} up", self.namespace(other)));
        }
    }

    /// A command inside a node's namespace.
    pub(crate) fn inside(&self, node: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(node), program]);
        command
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // Interfaces go with the namespaces that they are in.
        for node in 0..3 {
            let _ = run("ip", &format!("netns delete {}", self.namespace(node)));
            let _ = std::fs::remove_dir_all(self.etc(node));
        }
        let _ = run("ip", &format!("link delete {}", self.device("b")));
    }
}
