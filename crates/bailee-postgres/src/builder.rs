//! How to reach the database.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use tokio::runtime::Handle;
use tokio_postgres::{
    Config, Socket,
    config::{Host, SslMode, TargetSessionAttrs},
    tls::{MakeTlsConnect, TlsConnect},
};

use bailee_core::{Clock, Error, ErrorKind, Result};

use crate::{
    PostgresStore,
    connector::{Connector, Encrypted, Plain},
    inspection, migration,
    pool::Pool,
};

/// An address with the choices around it. Ends in [`Builder::connect`] with the application's
/// role, or in [`Builder::migrate`] with an administrator's.
pub struct Builder {
    config: Config,
    connector: Box<dyn Connector>,
    clock: Option<Arc<dyn Clock>>,
    connections: usize,
    behind_pooler: bool,
}

impl Builder {
    pub(crate) fn parse(url: &str) -> Result<Self> {
        // The driver's error may repeat a piece of the address, and that a password.
        url.parse().map(Self::new).map_err(|_| wrong("not the address of a database"))
    }

    /// Begins with the driver's own form of an address.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            connector: Box::new(Plain),
            clock: None,
            connections: 10,
            behind_pooler: false,
        }
    }

    /// Encrypts every connection with this, and refuses a server that does not.
    ///
    /// Without it only a unix socket and this machine's own addresses are connected to.
    #[must_use]
    pub fn tls<T>(mut self, tls: T) -> Self
    where
        T: MakeTlsConnect<
                Socket,
                Stream: Send,
                TlsConnect: TlsConnect<Socket, Future: Send> + Send,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        self.connector = Box::new(Encrypted(tls));
        self
    }

    /// Encrypts every connection over rustls, as [`Builder::tls`] does.
    ///
    /// The configuration brings the roots that are trusted and the ciphers; the certificate must
    /// be one for the host name in the address.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn rustls(self, config: Arc<rustls::ClientConfig>) -> Self {
        self.tls(crate::tls::Rustls(config))
    }

    /// Binds a clock: the store takes its time for everything that it decides. For tests.
    ///
    /// Two things stay with the server's real time: the policy by which expired records may be
    /// swept, and the number at which a new piece of work's fence begins. A bound clock must
    /// therefore stand in the past.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Holds at most so many connections, at least one. Ten without this.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Says that a pooler stands before the server that gives each transaction another of its
    /// connections, as PgBouncer does in transaction mode.
    ///
    /// Reads are then planned anew each time, in one function of the schema, and cost the server
    /// about twice as much. Without this they are prepared, once for each connection; a store that
    /// finds its prepared statements missing stops preparing them by itself, so this saves it the
    /// finding out. Everything else works the same way with and without a pooler.
    #[must_use]
    pub fn behind_pooler(mut self) -> Self {
        self.behind_pooler = true;
        self
    }

    /// Connects, and looks whether server, role and schema keep what this store promises.
    ///
    /// It never migrates. It must be called in a tokio runtime, which then drives the connections.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] with every fault and the SQL that mends it, in which
    /// `the_login_role` stands for the role of the address: a server below the
    /// patched releases, a standby, a role that is too mighty or lacks a grant, a table without
    /// row security, a policy, view or function too many or too few, migrations that did not run.
    /// The same kind for an address on another machine without TLS, and outside a tokio runtime.
    /// [`ErrorKind::StoreUnavailable`] when the database cannot be reached.
    pub async fn connect(self) -> Result<PostgresStore> {
        let clock = self.clock.clone();
        let pool = Arc::new(self.pool()?);
        inspection::inspect(&mut pool.session().await?).await?;
        Ok(PostgresStore::new(pool, clock))
    }

    /// Makes roles and schema, or brings them up to date, in one transaction, and says how many
    /// steps that took.
    ///
    /// The address must be that of an administrator: a superuser, or, as on managed servers, a role
    /// with CREATEROLE and with CREATE on the database, which becomes a member of `bailee_owner`. [`crate::migrations_sql`] is the same as a script. The role
    /// `bailee_app` gets no password here.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when the role may not, when the database was migrated by a
    /// newer release, and as [`Builder::connect`]; [`ErrorKind::StoreUnavailable`].
    pub async fn migrate(self) -> Result<u32> {
        let pool = self.pool()?;
        let client = pool.open().await?;
        // The connection ends with the client, and with it what was not committed.
        migration::run(&client).await
    }

    fn pool(self) -> Result<Pool> {
        let runtime = Handle::try_current().map_err(|_| wrong("it needs a tokio runtime"))?;
        let mut config = self.config;
        if self.connector.is_encrypted() {
            // The driver's default falls back to a plain connection.
            config.ssl_mode(SslMode::Require);
        } else if is_local(&config) {
            config.ssl_mode(SslMode::Disable);
        } else {
            return Err(wrong("a database on another machine is reached over TLS alone"));
        }
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("bailee");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(PATIENCE);
        }
        Ok(Pool::new(config, self.connector, runtime, self.connections, !self.behind_pooler))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("connector", &self.connector)
            .field("clock", &self.clock)
            .field("connections", &self.connections)
            .field("behind_pooler", &self.behind_pooler)
            .finish_non_exhaustive()
    }
}

fn is_local(config: &Config) -> bool {
    config.get_hostaddrs().iter().all(IpAddr::is_loopback)
        && config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => {
                name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
            Host::Unix(_) => true,
        })
}

fn wrong(detail: &'static str) -> Error {
    Error::new(ErrorKind::Configuration).with_detail(detail)
}

/// How long a server may take to answer a connection, or to acknowledge what was sent to it.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local() {
        for url in [
            "postgres://a@localhost/x",
            "postgres://a@127.0.0.1/x",
            "postgres://a@[::1]/x",
            "host=/run/postgresql user=a",
            "host=db.example hostaddr=127.0.0.1 user=a",
        ] {
            let local = is_local(&url.parse().unwrap());
            assert_eq!(local, !url.contains("db.example"), "{url}");
        }
        for url in [
            "postgres://a@db.example/x",
            "postgres://a@10.0.0.1/x",
            "postgres://a@localhost,db.example/x",
            "host=localhost hostaddr=10.0.0.1 user=a",
        ] {
            assert!(!is_local(&url.parse().unwrap()), "{url}");
        }
    }

    #[tokio::test]
    async fn a_database_elsewhere_is_refused_without_tls() {
        let error = PostgresStore::connect("postgres://a:canary@db.example/x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!format!("{error:?}").contains("canary"));
    }

    #[test]
    fn a_wrong_address_is_not_repeated() {
        let error = PostgresStore::builder("postgres://a:canary@h:port/x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!format!("{error:?} {error}").contains("canary"));
    }
}
