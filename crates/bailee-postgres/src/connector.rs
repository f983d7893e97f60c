//! Opening connections, whatever carries them.

use std::{fmt, future::Future, pin::Pin};

use tokio_postgres::{Client, Config, NoTls, Socket, tls::MakeTlsConnect};

/// What opens a connection: [`tokio_postgres::Config::connect`] with the type of the TLS stream
/// taken away.
pub(crate) trait Connector: Send + Sync + 'static {
    /// Whether what it opens is encrypted.
    fn is_encrypted(&self) -> bool;

    /// Opens a connection. The client works while the second future is driven.
    fn open(&self, config: Config) -> Opening;
}

pub(crate) type Opening =
    Pin<Box<dyn Future<Output = Result<(Client, Driving), tokio_postgres::Error>> + Send>>;

pub(crate) type Driving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Opens plain connections.
pub(crate) struct Plain;

/// Opens encrypted connections.
pub(crate) struct Encrypted<T>(pub(crate) T);

impl Connector for Plain {
    fn is_encrypted(&self) -> bool {
        false
    }

    fn open(&self, config: Config) -> Opening {
        open(config, NoTls)
    }
}

impl<T> Connector for Encrypted<T>
where
    T: MakeTlsConnect<
            Socket,
            Stream: Send,
            TlsConnect: Send + tokio_postgres::tls::TlsConnect<Socket, Future: Send>,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    fn is_encrypted(&self) -> bool {
        true
    }

    fn open(&self, config: Config) -> Opening {
        open(config, self.0.clone())
    }
}

impl fmt::Debug for dyn Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_encrypted() { "Encrypted" } else { "Plain" })
    }
}

fn open<T>(config: Config, tls: T) -> Opening
where
    T: MakeTlsConnect<
            Socket,
            Stream: Send,
            TlsConnect: Send + tokio_postgres::tls::TlsConnect<Socket, Future: Send>,
        > + Send
        + 'static,
{
    Box::pin(async move {
        let (client, connection) = config.connect(tls).await?;
        let driving: Driving = Box::pin(async move {
            // How a connection ended is seen by whoever waits for an answer on it.
            let _ = connection.await;
        });
        Ok((client, driving))
    })
}
