//! A cluster that lives as long as the process that started it.

use std::{
    fmt, fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio::sync::OnceCell;
use tokio_postgres::{Client, Config, NoTls};

use bailee_core::{Error, ErrorKind, Id, Result, SystemRandom};

use super::{
    Database,
    programs::{find, unprivileged},
};
use crate::{Builder, failure::Failure};

/// A running PostgreSQL of this process's own.
///
/// It ends with the process, however that ends. A small shell supervises it and waits at a pipe
/// whose other end this value holds: when the value is dropped, or the process exits, panics or is
/// killed, the kernel closes the pipe, and the shell stops the server and removes its folder.
/// (A signal at the parent's death would have to be asked for between fork and exec, which safe
/// code cannot do, and it would come when the thread ends that started the server.)
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    password: String,
    template: OnceCell<()>,
    databases: AtomicU32,
    /// Open as long as the server shall run.
    life: Option<ChildStdin>,
    supervisor: Child,
}

impl Cluster {
    /// The cluster of this process. The first call starts it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`]: no PostgreSQL is installed, or it did not start; the detail
    /// says what it said.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start(&[]).map_err(|error| error.to_string()))
            .as_ref()
            .map_err(|reason| wrong(reason.clone()))
    }

    /// Starts a cluster with further settings, as `postgresql.conf` has them.
    ///
    /// Without any it does not wait for the disk (`fsync = off`); whoever measures sets that.
    ///
    /// # Errors
    ///
    /// As [`Cluster::shared`].
    pub fn start(settings: &[(&str, &str)]) -> Result<Self> {
        let programs = find()?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            match Self::attempt(&programs, settings) {
                // Somebody took the port between the choice and the start.
                Err(error) if attempts < 4 && said(&error, "could not bind") => {}
                other => return other,
            }
        }
    }

    fn attempt(programs: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        let name = Id::generate(&SystemRandom)?.to_string();
        let password = Id::generate(&SystemRandom)?.to_string();
        // Short, because the path of a socket has at most 107 bytes.
        let folder = std::env::temp_dir().join(["bailee-pg-", &name[..8]].concat());
        fs::DirBuilder::new().mode(0o700).create(&folder).map_err(wrong_io)?;
        let port = free_port().map_err(wrong_io)?;

        let mut all = vec![
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("port", port.to_string()),
            ("unix_socket_directories", folder.display().to_string()),
            ("max_connections", "200".to_owned()),
            ("fsync", "off".to_owned()),
            ("full_page_writes", "off".to_owned()),
        ];
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let lines: Vec<String> =
            all.iter().map(|(name, value)| format!("{name} = '{value}'\n")).collect();
        fs::write(folder.join("settings"), lines.concat()).map_err(wrong_io)?;
        fs::write(folder.join("password"), &password).map_err(wrong_io)?;

        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SUPERVISE, "supervise"])
            .arg(programs)
            .arg(&folder)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A Ctrl-C at the terminal is for the tests; the supervisor sees the pipe close.
            .process_group(0);
        if fs::metadata(&folder).map_err(wrong_io)?.uid() == 0 {
            let account = unprivileged()?;
            for path in [&folder, &folder.join("settings"), &folder.join("password")] {
                chown(path, Some(account.user), Some(account.group)).map_err(wrong_io)?;
            }
            command.uid(account.user).gid(account.group);
        }
        let mut supervisor = command.spawn().map_err(wrong_io)?;
        let (Some(life), Some(answer)) = (supervisor.stdin.take(), supervisor.stdout.take()) else {
            return Err(wrong("the supervisor has no pipes"));
        };
        let mut line = String::new();
        BufReader::new(answer).read_line(&mut line).map_err(wrong_io)?;
        if line != "ready\n" {
            let log = [read(&folder, "start.log"), read(&folder, "server.log")].concat();
            // It is gone already, or it goes when the pipe closes.
            let _ = fs::remove_dir_all(&folder);
            return Err(wrong(format!("PostgreSQL did not start: {log}")));
        }
        Ok(Self {
            folder,
            port,
            password,
            template: OnceCell::new(),
            databases: AtomicU32::new(0),
            life: Some(life),
            supervisor,
        })
    }

    /// A new database with the migrations applied. It goes with the cluster.
    ///
    /// # Errors
    ///
    /// Those of the migrations and of making a database.
    pub async fn database(&self) -> Result<Database<'_>> {
        self.template.get_or_try_init(|| self.make_template()).await?;
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let create = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}");
        self.administrator("postgres").await?.batch_execute(&create).await.map_err(failed)?;
        Ok(Database::new(self, name))
    }

    /// A new empty database, without roles or schema of ours in it.
    ///
    /// # Errors
    ///
    /// Those of making a database.
    pub async fn empty_database(&self) -> Result<Database<'_>> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let create = format!("CREATE DATABASE {name}");
        self.administrator("postgres").await?.batch_execute(&create).await.map_err(failed)?;
        Ok(Database::new(self, name))
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        read(&self.folder, "server.log")
    }

    /// The folder of the server's socket and data.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The port on 127.0.0.1, where a password is asked for.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server as a crash does: connections are cut, and nothing is put in order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`]: `pg_ctl` failed.
    pub fn crash(&self) -> Result<()> {
        self.control(&["-m", "immediate", "stop"])
    }

    /// Starts a server again that has crashed, and waits until it has recovered.
    ///
    /// # Errors
    ///
    /// As [`Cluster::crash`].
    pub fn recover(&self) -> Result<()> {
        self.control(&["-l", "server.log", "start"])
    }

    fn control(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(find()?.join("pg_ctl"));
        command
            .args(["-D", "data", "-w", "-s"])
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let owner = fs::metadata(&self.folder).map_err(wrong_io)?;
        if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let ended = command.status().map_err(wrong_io)?;
        if ended.success() { Ok(()) } else { Err(wrong("pg_ctl failed")) }
    }

    /// A connection of the superuser, driven by the runtime in which this is awaited.
    pub(super) async fn administrator(&self, database: &str) -> Result<Client> {
        let (client, connection) =
            self.socket(database, SUPERUSER).connect(NoTls).await.map_err(failed)?;
        tokio::spawn(connection);
        Ok(client)
    }

    pub(super) fn socket(&self, database: &str, role: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.folder).port(self.port).user(role).dbname(database);
        config
    }

    pub(super) fn password_of(&self, role: &str) -> &str {
        if role == SUPERUSER { &self.password } else { PASSWORD }
    }

    async fn make_template(&self) -> Result<()> {
        let administrator = self.administrator("postgres").await?;
        for statement in [CREATE_TEMPLATE, "CREATE ROLE bailee_app LOGIN NOINHERIT", SET_PASSWORD] {
            administrator.batch_execute(statement).await.map_err(failed)?;
        }
        // A database is copied once nobody is connected to it; the server waits for the end of
        // this connection.
        Builder::new(self.socket(TEMPLATE, SUPERUSER)).migrate().await?;
        Ok(())
    }
}

impl Drop for Cluster {
    /// Waits until the server has ended and its folder is gone.
    fn drop(&mut self) {
        drop(self.life.take());
        // There is nobody to tell.
        let _ = self.supervisor.wait();
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn read(folder: &Path, name: &str) -> String {
    fs::read(folder.join(name))
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn said(error: &Error, text: &str) -> bool {
    error.detail().is_some_and(|detail| detail.contains(text))
}

fn failed(error: tokio_postgres::Error) -> Error {
    Failure::of_connecting(&error).into()
}

fn wrong(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Configuration).with_detail(detail)
}

pub(super) fn wrong_io(error: std::io::Error) -> Error {
    wrong("a cluster for tests could not be made").with_source(error)
}

/// Arguments: the programs' folder and the cluster's own.
const SUPERVISE: &str = r#"
set -eu
"$1/initdb" -D data -U postgres --auth-local=trust --auth-host=scram-sha-256 \
  --pwfile=password --no-sync -E UTF8 --locale=C </dev/null >>start.log 2>&1
cat settings >>data/postgresql.conf
"$1/pg_ctl" -D data -w -l server.log start </dev/null >>start.log 2>&1
echo ready
exec >/dev/null
cat || true
"$1/pg_ctl" -D data -w -m immediate stop </dev/null || true
cd /
rm -rf "$2"
"#;

pub(super) const SUPERUSER: &str = "postgres";

const TEMPLATE: &str = "bailee_template";

const CREATE_TEMPLATE: &str = "CREATE DATABASE bailee_template";

/// Of the application's role, on loopback, in a cluster that holds nothing but tests.
const PASSWORD: &str = "in-tests";

const SET_PASSWORD: &str = "ALTER ROLE bailee_app PASSWORD 'in-tests'";
