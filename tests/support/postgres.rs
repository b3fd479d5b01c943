//! A server of PostgreSQL for the tests: a cluster in a temporary folder, started when the first test asks for it and
//! shared by all, with roles, TLS and a certificate of its own.
//!
//! Nothing tells a test program that its last test is over, and a failed or killed one least of all. So a small shell
//! waits for the end of a pipe that this process holds open: when the process is gone, however it went, the shell stops
//! the server and removes the folder.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};

use postgres::{Client, NoTls};
use segc::world::{Disk, Unreadable, World};

/// The password of the role `analyst`: whatever segc prints or writes must not have it.
pub const PASSWORD: &str = "geheim-7Qx";

pub struct Cluster {
    /// Holds the data, the log, the socket and the certificate.
    pub folder: PathBuf,
    pub port: u16,
    /// Holds the pipe open; never joined.
    _watch: Child,
}

/// The cluster that the tests share.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

impl Cluster {
    /// Starts the server, at first or after it has been killed.
    pub fn revive(&self) {
        let settings = format!(
            "-k {} -p {} -c listen_addresses=127.0.0.1 -c ssl=on -c fsync=off -c max_connections=100",
            self.folder.display(),
            self.port
        );
        run(tool("pg_ctl")
            .arg("-D")
            .arg(self.folder.join("data"))
            .args(["-w", "-o", &settings, "-l"])
            .arg(self.folder.join("log"))
            .arg("start"));
    }

    /// A cluster of its own, for a test that is going to break it.
    pub fn start() -> Cluster {
        let folder = tempfile::Builder::new().prefix("segc-postgres-").tempdir().unwrap().keep();
        let data = folder.join("data");
        let watch = watch(&folder);
        if is_root() {
            let owner = format!("{}:", unprivileged());
            run(Command::new("chown").arg(owner).arg(&folder));
        }
        let secret = folder.join("secret");
        std::fs::write(&secret, "postgres\n").unwrap();
        run(tool("initdb")
            .args(["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres"])
            .args(["--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile"])
            .arg(&secret)
            .arg("-D")
            .arg(&data));
        // Not the certificate of an authority, as that of a server should not be; for the address that tests use.
        run(as_owner("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "30",
            ])
            .args(["-subj", "/CN=segc tests", "-addext", "subjectAltName=IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(data.join("server.key"))
            .arg("-out")
            .arg(data.join("server.crt")));
        std::fs::copy(data.join("server.crt"), folder.join("server.crt")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Cluster { folder, port, _watch: watch };
        cluster.revive();
        cluster.admin("postgres", &format!("CREATE ROLE analyst LOGIN PASSWORD '{PASSWORD}'"));
        cluster
    }

    /// A new database with these statements run in it; `analyst` may read what they make.
    pub fn database(&'static self, name: &str, statements: &str) -> Database {
        self.admin("postgres", &format!("CREATE DATABASE {name}"));
        self.admin(name, "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO analyst");
        self.admin(name, statements);
        Database { cluster: self, name: name.to_owned() }
    }

    /// Runs statements as the owner of everything.
    pub fn admin(&self, database: &str, statements: &str) {
        self.client(database).batch_execute(statements).unwrap_or_else(|error| panic!("{error:?}: {statements}"));
    }

    pub fn client(&self, database: &str) -> Client {
        let address = format!("host={} port={} user=postgres dbname={database}", self.folder.display(), self.port);
        Client::connect(&address, NoTls).unwrap()
    }

    /// Stops the server at once, as if it had crashed.
    pub fn kill(&self) {
        run(tool("pg_ctl").arg("-D").arg(self.folder.join("data")).args(["-m", "immediate", "stop"]));
    }
}

/// A database of the shared cluster.
pub struct Database {
    pub cluster: &'static Cluster,
    pub name: String,
}

impl Database {
    /// How an analyst reaches it.
    pub fn url(&self) -> String {
        self.url_with("")
    }

    /// The same with settings such as `?sslmode=disable`.
    pub fn url_with(&self, settings: &str) -> String {
        format!("postgresql://analyst:{PASSWORD}@127.0.0.1:{}/{}{settings}", self.cluster.port, self.name)
    }

    /// A world in which SHOP_DB is this database.
    pub fn world(&self) -> Environment {
        Environment::new([("SHOP_DB", self.url())])
    }
}

/// The disk, with an environment of its own.
#[derive(Default)]
pub struct Environment {
    pub disk: Disk,
    pub variables: BTreeMap<String, String>,
}

impl Environment {
    pub fn new<const N: usize>(variables: [(&str, String); N]) -> Environment {
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Environment { disk: Disk::default(), variables }
    }
}

impl World for Environment {
    fn spec(&self, path: &Path) -> Result<Arc<str>, Unreadable> {
        self.disk.spec(path)
    }

    fn include(&self, main: &Path, path: &Path) -> Result<Arc<str>, Unreadable> {
        self.disk.include(main, path)
    }

    fn locate(&self, from: &Path, name: &str) -> Result<PathBuf, Unreadable> {
        self.disk.locate(from, name)
    }

    fn locate_all(&self, from: &Path, name: &str) -> Result<Vec<(String, PathBuf)>, Unreadable> {
        self.disk.locate_all(from, name)
    }

    fn place(&self, from: &Path, name: &str) -> Result<PathBuf, Unreadable> {
        self.disk.place(from, name)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
}

/// Stops the server and removes the folder when this process is gone.
fn watch(folder: &Path) -> Child {
    let stop = format!("{} -D {1}/data -m immediate stop", words(&tool("pg_ctl")), folder.display());
    let script = format!("cat; {stop}; rm -rf {}", folder.display());
    Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // What is typed to end the tests must not end this before.
        .process_group(0)
        .spawn()
        .unwrap()
}

fn words(command: &Command) -> String {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    let program = command.get_program().to_string_lossy().into_owned();
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// A program of PostgreSQL, from the newest version that is installed.
fn tool(name: &str) -> Command {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path().join("bin"))
        .collect();
    folders.sort();
    let path = folders.into_iter().rev().map(|folder| folder.join(name)).find(|path| path.exists());
    as_owner(path.unwrap_or_else(|| PathBuf::from(name)).to_str().unwrap())
}

/// The server refuses to be run by root.
fn as_owner(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", unprivileged(), "--", program]);
    command
}

fn unprivileged() -> &'static str {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    if users.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "nobody" }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn run(command: &mut Command) {
    let words = words(command);
    let output = command.current_dir("/tmp").stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("`.ci/install` brings PostgreSQL: {words}: {error}"));
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
}
