//! A link to a server that can be cut.

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A link on loopback.
pub(crate) struct Link {
    pub(crate) port: u16,
    whole: watch::Sender<bool>,
}

impl Link {
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let whole = watch::Sender::new(true);
        let watched = whole.subscribe();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Dropped, it is closed.
                if *watched.borrow() {
                    tokio::spawn(carry(client, server, watched.clone()));
                }
            }
        });
        Self { port, whole }
    }

    /// Ends what is under way and lets nobody through any more.
    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Lets everybody through again.
    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn carry(mut client: TcpStream, server: u16, mut whole: watch::Receiver<bool>) {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = whole.wait_for(|whole| !*whole) => {}
    }
}
