//! A link between a store and the server that can be counted and cut.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use bailee_postgres::{Builder, testing::Database};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// When a link is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server has answered the COMMIT, and the answer does not arrive.
    AfterCommit,
    /// The COMMIT does not arrive.
    BeforeCommit,
}

/// A link on loopback.
pub(crate) struct Proxy {
    port: u16,
    counted: Arc<Counted>,
}

#[derive(Default)]
struct Counted {
    turns: AtomicU32,
    before: AtomicBool,
    after: AtomicBool,
}

impl Proxy {
    pub(crate) async fn to(database: &Database<'_>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = database.cluster().port();
        let counted = Arc::new(Counted::default());
        let of_tasks = counted.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(carry(client, server, of_tasks.clone()));
            }
        });
        Self { port, counted }
    }

    /// A builder for the application's role over this link.
    pub(crate) fn builder(&self, database: &Database<'_>) -> Builder {
        let mut config = tokio_postgres::Config::new();
        config
            .host("127.0.0.1")
            .port(self.port)
            .user("bailee_app")
            .password("in-tests")
            .dbname(database.name());
        Builder::new(config)
    }

    /// How often the client spoke and was answered since this was asked the last time.
    pub(crate) fn turns(&self) -> u32 {
        self.counted.turns.swap(0, Ordering::SeqCst)
    }

    /// Cuts the next commit.
    pub(crate) fn cut(&self, when: Cut) {
        match when {
            Cut::AfterCommit => self.counted.after.store(true, Ordering::SeqCst),
            Cut::BeforeCommit => self.counted.before.store(true, Ordering::SeqCst),
        }
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, counted: Arc<Counted>) {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    let mut is_servers_turn = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                if !is_servers_turn {
                    counted.turns.fetch_add(1, Ordering::SeqCst);
                }
                is_servers_turn = true;
                let commit = asked[..length].windows(7).any(|bytes| bytes == b"COMMIT\0");
                if commit && counted.before.swap(false, Ordering::SeqCst) {
                    return;
                }
                server.write_all(&asked[..length]).await.unwrap();
                if commit && counted.after.swap(false, Ordering::SeqCst) {
                    // The server's answer says that it has committed.
                    let _ = server.read(&mut answered).await;
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                is_servers_turn = false;
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
