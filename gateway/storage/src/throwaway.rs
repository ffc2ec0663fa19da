//! Databases that live as long as a test or a bench: files in a folder, and a PostgreSQL cluster that is made, started and removed here.
//!
//! A cluster is a real one: on the disk beside the program, with fsync, behind a Unix socket that nobody else knows. It ends with the process,
//! however that ends: a shell waits for the end of a pipe that only the process holds. Where PostgreSQL 15 or later is not installed there is none, and that is
//! said on the standard error output.

use crate::store::{Address, Database, StoreConfig, migrate};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// A back end that a suite runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackEnd {
    /// A file in the folder of the test.
    Sqlite,
    /// A database of its own in the process's cluster.
    Postgres,
}

impl BackEnd {
    /// A fresh, empty database; None, and said so, where there is no PostgreSQL.
    #[must_use]
    pub fn database(self, folder: &Path) -> Option<StoreConfig> {
        match self {
            Self::Sqlite => Some(StoreConfig::new(folder.join("vuzol.db"))),
            Self::Postgres => Some(StoreConfig::postgres(Cluster::shared()?.database())),
        }
    }
}

/// The database that belongs to the folder of a test: a file in it, or, where `STORAGE_BACK_END` is `postgres`, one of the process's cluster.
///
/// # Panics
/// As [`url_in`].
#[must_use]
pub fn store_in(folder: &Path) -> StoreConfig {
    match url_in(folder).map(|url| Address::parse(&url)) {
        None => StoreConfig::new(folder.join("vuzol.db")),
        // Suites hold hundreds of stores open at once.
        Some(Ok(address)) => StoreConfig { writers: 2, readers: 1, ..StoreConfig::postgres(address) },
        Some(Err(error)) => unreachable_server(&error.to_string()),
    }
}

/// The address of that database where it is PostgreSQL's, by its owner, for the configuration of a whole node. The same one for the same folder.
///
/// # Panics
/// Where PostgreSQL is asked for and not installed: nothing would be tried.
#[must_use]
pub fn url_in(folder: &Path) -> Option<String> {
    static KNOWN: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
    if std::env::var_os("STORAGE_BACK_END").is_none_or(|back_end| back_end != "postgres") {
        return None;
    }
    let Some(cluster) = Cluster::shared() else { unreachable_server("asked for, and not installed") };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let url = known.entry(folder.to_owned()).or_insert_with(|| cluster.url(cluster.migrated().database(), OWNER));
    Some(url.clone())
}

/// Does what only the owner of a table may, in the database that belongs to the folder. False: it is a file, where everybody may.
///
/// # Panics
/// As [`url_in`], and where the server refuses.
#[must_use]
pub fn by_owner(folder: &Path, sql: &str) -> bool {
    let Database::Postgres(address) = store_in(folder).database else { return false };
    Cluster::shared().is_some_and(|cluster| {
        cluster.sql(address.database(), sql);
        true
    })
}

/// Whose the databases are; a superuser.
const OWNER: &str = "vuzol_owner";

/// Of both users where a cluster asks for one.
const PASSWORD: &str = "thrown-away";

/// Makes of each `async fn name(back_end: BackEnd)` two tests, `sqlite::name` and `postgres::name`.
#[macro_export]
macro_rules! on_each_back_end {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
            async fn $name() {
                super::$name($crate::throwaway::BackEnd::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
            async fn $name() {
                if $crate::throwaway::Cluster::shared().is_some() {
                    super::$name($crate::throwaway::BackEnd::Postgres).await;
                }
            })+
        }
    };
}

/// A PostgreSQL cluster.
pub struct Cluster {
    /// Where it listens on this host too, and takes TLS alone.
    port: Option<u16>,
    binaries: PathBuf,
    folder: PathBuf,
    /// Short: the path of a socket has room for a hundred octets.
    sockets: PathBuf,
    server: Mutex<Option<Child>>,
    databases: AtomicUsize,
    /// Made with the first copy of it.
    template: OnceLock<()>,
}

static CLUSTERS: AtomicUsize = AtomicUsize::new(0);

impl Cluster {
    /// The one of this process.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[])).as_ref()
    }

    /// Another one, with settings as `fsync=off`. None, and said so, where PostgreSQL is not installed.
    ///
    /// # Panics
    /// Where it is installed and cannot be started.
    #[must_use]
    pub fn start(settings: &[&str]) -> Option<Self> {
        let cluster = Self::prepare()?;
        cluster.initialise();
        cluster.serve(settings);
        cluster.furnish();
        Some(cluster)
    }

    /// Another one, which also listens on a port of this host: there it takes TLS alone, shows this certificate (a chain in PEM), and asks for a password.
    ///
    /// # Panics
    /// As [`Cluster::start`].
    #[must_use]
    pub fn start_with_tls(certificate: &str, key: &str) -> Option<Self> {
        let mut cluster = Self::prepare()?;
        cluster.initialise();
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        for (name, content) in [("pg_hba.conf", rules), ("server.crt", certificate), ("server.key", key)] {
            let file = cluster.folder.join(name);
            let written = std::fs::write(&file, content).map_err(|error| error.to_string());
            let given = written.and_then(|()| give_to_server(&file, "0600"));
            assert!(given.is_ok(), "{name}: {given:?}");
        }
        // Free until somebody else takes it within the second that the server needs; then it says so and does not start.
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let Ok(free) = free else { unreachable_server("no free port") };
        cluster.port = Some(free.port());
        cluster.serve(&[]);
        cluster.furnish();
        cluster.sql(
            "postgres",
            &format!("ALTER ROLE vuzol_owner PASSWORD '{PASSWORD}'; ALTER ROLE vuzol PASSWORD '{PASSWORD}'"),
        );
        Some(cluster)
    }

    fn initialise(&self) {
        let made = self
            .run("initdb", &["--no-sync", "--auth=trust", "--username=vuzol_owner", "--encoding=UTF8", "--locale=C"]);
        assert!(made.is_ok(), "initdb: {made:?}");
    }

    /// What every cluster has.
    fn furnish(&self) {
        // Once for all databases: roles belong to the cluster, and tests migrate beside each other.
        self.sql("postgres", "CREATE ROLE vuzol_node NOLOGIN; CREATE ROLE vuzol_sequencer NOLOGIN");
        self.sql("postgres", "CREATE ROLE vuzol LOGIN IN ROLE vuzol_node, vuzol_sequencer");
        // What rows are made with by hand, in tests that run on SQLite too.
        for (function, octets) in
            [("zeroblob", "repeat('00', n)"), ("randomblob", "left(repeat(md5(random()::text), 1 + n / 16), 2 * n)")]
        {
            let made = format!(
                "CREATE FUNCTION {function}(n int) RETURNS bytea LANGUAGE sql AS $$ SELECT decode({octets}, 'hex') $$"
            );
            self.sql("template1", &made);
        }
    }

    fn prepare() -> Option<Self> {
        let Some(binaries) = binaries() else {
            say("PostgreSQL is not installed: what needs it is skipped");
            return None;
        };
        let number = CLUSTERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("vuzol-postgres-{}-{number}", std::process::id());
        let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
        let places = [beside, Some(PathBuf::from("/var/tmp")), Some(std::env::temp_dir())];
        // Another user than ours may have to be able to reach it.
        let folder = places.into_iter().flatten().map(|place| place.join(&name)).find(|folder| is_reachable(folder));
        let folder = folder.unwrap_or_else(|| std::env::temp_dir().join(&name));
        let sockets = std::env::temp_dir().join(format!("{name}.s"));
        for folder in [&folder, &sockets] {
            let made = make_folder(folder);
            assert!(made.is_ok(), "{}: {made:?}", folder.display());
        }
        Some(Self {
            port: None,
            binaries,
            folder,
            sockets,
            server: Mutex::new(None),
            databases: AtomicUsize::new(0),
            template: OnceLock::new(),
        })
    }

    /// Starts the server, which is not running, and waits until it answers.
    ///
    /// # Panics
    /// Where it does not come up within a minute.
    pub fn serve(&self, settings: &[&str]) {
        // After a crash a server would sync each of its thousand files before it serves: syncfs does all at once.
        // The shell outlives this process by as long as it takes to stop the server. `keep`: stopped, and to be started again.
        let script = r#"
            data=$1 sockets=$2 options=$3
            shift 3
            "$@" -D "$data" -k "$sockets" -c listen_addresses= -c max_connections=1000 -c shared_buffers=64MB \
                -c log_checkpoints=off -c recovery_init_sync_method=syncfs $options >>"$sockets/log" 2>&1 &
            server=$!
            read -r word
            kill -QUIT $server
            wait $server
            [ "$word" = keep ] || rm -rf "$data" "$sockets""#;
        let mut options: Vec<String> = settings.iter().map(|setting| format!("-c {setting}")).collect();
        if let Some(port) = self.port {
            options.push(format!("-c ssl=on -c listen_addresses=127.0.0.1 -c port={port}"));
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(&self.folder).arg(&self.sockets).arg(options.join(" "));
        shell.args(owner()).arg(self.binaries.join("postgres"));
        let server = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(server) = server else { unreachable_server("no shell") };
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.try_sql("postgres", "SELECT 1").is_err() {
            if Instant::now() >= deadline {
                unreachable_server(&std::fs::read_to_string(self.log()).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the server at once, without a checkpoint: what is not in its write-ahead log on disk is gone.
    pub fn crash(&self) {
        if let Some(mut server) = self.server.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let told = server.stdin.take().map(|mut pipe| pipe.write_all(b"keep\n"));
            assert!(matches!(told, Some(Ok(()))), "the shell of the server is gone");
            let _ = server.wait();
        }
    }

    /// A standby of this cluster as it is now, which follows it asynchronously until one of the two ends.
    ///
    /// # Panics
    /// Where it cannot be copied or started.
    #[must_use]
    pub fn standby(&self) -> Self {
        let Some(standby) = Self::prepare() else { unreachable_server("PostgreSQL is gone") };
        let (from, to) = (self.sockets.display().to_string(), standby.folder.display().to_string());
        let copied = output(
            as_owner(self.binaries.join("pg_basebackup"))
                .args([
                    "--host",
                    &from,
                    "--username=vuzol_owner",
                    "--checkpoint=fast",
                    "--write-recovery-conf",
                    "--no-sync",
                ])
                .args(["--pgdata", &to]),
        );
        assert!(copied.is_ok(), "pg_basebackup: {copied:?}");
        standby.databases.store(self.databases.load(Ordering::Relaxed), Ordering::Relaxed);
        standby.serve(&["hot_standby=on"]);
        standby
    }

    /// A standby becomes a server of its own.
    ///
    /// # Panics
    /// Where it is none.
    pub fn promote(&self) {
        self.sql("postgres", "SELECT pg_promote(true, 60)");
    }

    /// A fresh, empty database, by its owner, who is a superuser.
    ///
    /// # Panics
    /// Where the server does not make one.
    #[must_use]
    pub fn database(&self) -> Address {
        let name = format!("vuzol_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.address(&name, OWNER)
    }

    /// A fresh database as [`migrate`] leaves it, which then finds nothing to do there: to copy one takes a tenth of the time, and suites have hundreds.
    ///
    /// # Panics
    /// Where the server does not make one.
    #[must_use]
    pub fn migrated(&self) -> Address {
        self.template.get_or_init(|| {
            self.sql("postgres", "CREATE DATABASE vuzol_template");
            let made = migrate(&StoreConfig::postgres(self.address("vuzol_template", OWNER)));
            assert!(made.is_ok(), "vuzol_template: {made:?}");
        });
        let name = format!("vuzol_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE vuzol_template"));
        self.address(&name, OWNER)
    }

    /// A database by its name, or that of another cluster's address, for a user: `vuzol_owner`, or `vuzol`, which has the node's roles.
    ///
    /// # Panics
    /// Where the names make no address.
    #[must_use]
    pub fn address(&self, database: &str, user: &str) -> Address {
        match Address::parse(&self.url(database, user)) {
            Ok(address) => address,
            Err(error) => unreachable_server(&error.to_string()),
        }
    }

    /// As [`Cluster::address`], for a configuration.
    #[must_use]
    pub fn url(&self, database: &str, user: &str) -> String {
        format!("postgres:///{database}?host={}&port={}&user={user}", self.sockets.display(), self.port())
    }

    /// As [`Cluster::url`], over TLS to this host under one of its names, as whoever believes the authorities of a file.
    #[must_use]
    pub fn url_over_tls(&self, host: &str, database: &str, user: &str, authorities: &Path) -> String {
        let (port, authorities) = (self.port(), authorities.display());
        format!("postgres://{user}:{PASSWORD}@{host}:{port}/{database}?sslmode=verify-full&sslrootcert={authorities}")
    }

    /// It is in the name of the socket too.
    fn port(&self) -> u16 {
        self.port.unwrap_or(5432)
    }

    /// What an administrator does, as the superuser.
    ///
    /// # Panics
    /// Where the server refuses.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        match self.try_sql(database, sql) {
            Ok(answer) => answer,
            Err(error) => unreachable_server(&format!("{sql}: {error}")),
        }
    }

    /// As [`Cluster::sql`].
    ///
    /// # Errors
    /// What the server says.
    pub fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let sockets = self.sockets.display().to_string();
        let mut psql = Command::new(self.binaries.join("psql"));
        psql.args(["--port", &self.port().to_string()]);
        psql.args(["--host", &sockets, "--username=vuzol_owner", "--dbname", database, "--no-psqlrc", "--tuples-only"]);
        output(psql.args(["--no-align", "--quiet", "--set=ON_ERROR_STOP=1", "--command", sql]))
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        output(as_owner(self.binaries.join(program)).arg("-D").arg(&self.folder).args(arguments))
    }

    fn log(&self) -> PathBuf {
        self.sockets.join("log")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.lock().unwrap_or_else(PoisonError::into_inner).take() {
            drop(server.stdin.take());
            let _ = server.wait();
        }
        // Of a server that was stopped before.
        let _ = std::fs::remove_dir_all(&self.folder);
        let _ = std::fs::remove_dir_all(&self.sockets);
    }
}

#[allow(clippy::panic, reason = "tests and benches")]
fn unreachable_server(why: &str) -> ! {
    panic!("the throw-away PostgreSQL: {why}")
}

#[allow(clippy::print_stderr, reason = "tests and benches")]
fn say(what: &str) {
    eprintln!("{what}");
}

/// The newest installed version's programs: Debian's folders, then wherever `pg_config` points to.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).filter(|it| *it >= 15);
    let debian = versions.max().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    let asked = || output(Command::new("pg_config").arg("--bindir")).ok().map(|text| PathBuf::from(text.trim()));
    debian.or_else(asked).filter(|folder| folder.join("initdb").exists())
}

/// PostgreSQL refuses to run as root, where tests in a container often do.
fn as_owner(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let Some((first, others)) = owner().split_first() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(others).arg(program);
    command
}

/// The words before a command that is to run as the server's user.
fn owner() -> &'static [&'static str] {
    if is_root() { &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] } else { &[] }
}

fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0"))
}

fn is_reachable(folder: &Path) -> bool {
    let parent = folder.parent().unwrap_or(Path::new("/"));
    output(as_owner("test").arg("-x").arg(parent)).is_ok()
}

fn make_folder(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    // Whoever reaches the socket is let in.
    give_to_server(folder, "0700")
}

fn give_to_server(path: &Path, mode: &str) -> Result<(), String> {
    if is_root() {
        output(Command::new("chown").arg("postgres:postgres").arg(path))?;
    }
    output(Command::new("chmod").arg(mode).arg(path)).map(drop)
}

fn output(command: &mut Command) -> Result<String, String> {
    // No folder of ours need be one that the other user may enter.
    let output = command.current_dir("/").stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
