//! A link between a store and the server that can be counted and cut.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use bailee_core::Result;

use super::{Database, cluster::wrong_io};
use crate::Builder;

/// When a link is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The server has answered the COMMIT, and the answer does not arrive.
    AfterCommit,
    /// The COMMIT does not arrive.
    BeforeCommit,
}

/// A link on loopback to the server of a [`Database`], carried by tasks of the runtime under which
/// it was made.
#[derive(Debug)]
pub struct Link {
    config: tokio_postgres::Config,
    counted: Arc<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    turns: AtomicU32,
    before: AtomicBool,
    after: AtomicBool,
}

impl Link {
    /// Listens at a free port, and carries whatever comes there to the server.
    ///
    /// # Errors
    ///
    /// [`bailee_core::ErrorKind::Configuration`] when no port is free.
    pub async fn to(database: &Database<'_>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(wrong_io)?;
        let port = listener.local_addr().map_err(wrong_io)?.port();
        let server = database.cluster().port();
        let counted = Arc::new(Counted::default());
        let of_tasks = counted.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let counted = of_tasks.clone();
                tokio::spawn(async move {
                    // A side that went away ends the other one's connection too.
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await {
                        let _ = carry(client, server, counted).await;
                    }
                });
            }
        });
        Ok(Self { config: database.loopback_at("bailee_app", port), counted })
    }

    /// A builder for the application's role over this link.
    pub fn builder(&self) -> Builder {
        Builder::new(self.config.clone())
    }

    /// How often a client spoke and was answered, on all connections together, since this was
    /// asked the last time.
    pub fn turns(&self) -> u32 {
        self.counted.turns.swap(0, Ordering::SeqCst)
    }

    /// Cuts the next commit.
    pub fn cut(&self, when: Cut) {
        match when {
            Cut::AfterCommit => self.counted.after.store(true, Ordering::SeqCst),
            Cut::BeforeCommit => self.counted.before.store(true, Ordering::SeqCst),
        }
    }
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    counted: Arc<Counted>,
) -> io::Result<()> {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    let mut is_servers_turn = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let length = read?;
                if length == 0 {
                    return Ok(());
                }
                if !is_servers_turn {
                    counted.turns.fetch_add(1, Ordering::SeqCst);
                }
                is_servers_turn = true;
                let commit = asked[..length].windows(7).any(|bytes| bytes == b"COMMIT\0");
                if commit && counted.before.swap(false, Ordering::SeqCst) {
                    return Ok(());
                }
                server.write_all(&asked[..length]).await?;
                if commit && counted.after.swap(false, Ordering::SeqCst) {
                    // The server's answer says that it has committed.
                    let _ = server.read(&mut answered).await?;
                    return Ok(());
                }
            }
            read = server.read(&mut answered) => {
                let length = read?;
                if length == 0 {
                    return Ok(());
                }
                is_servers_turn = false;
                client.write_all(&answered[..length]).await?;
            }
        }
    }
}
