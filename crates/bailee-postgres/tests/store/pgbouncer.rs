//! A real pooler in transaction mode between the store and the server.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    net::TcpListener,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use bailee_postgres::{
    Builder,
    testing::{Cluster, Database},
};
use bailee_store::{Expect, Store};
use tokio::net::TcpStream;
use tokio_postgres::SimpleQueryMessage;

use crate::{ACME, NOTE, batch, key, note};

/// A PgBouncer of this process's own. A shell waits at a pipe from this process and ends it when
/// the pipe closes, however this process ends.
pub(crate) struct PgBouncer {
    port: u16,
    supervisor: Child,
}

impl PgBouncer {
    /// In front of a cluster, with few connections of its own: whoever asks twice is answered by
    /// another server process.
    pub(crate) async fn before(cluster: &Cluster) -> Self {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"]
            .into_iter()
            .find(|program| Path::new(program).exists())
            .expect("these tests need PgBouncer: apt-get install pgbouncer");
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let owner = fs::metadata(cluster.folder()).unwrap();
        let folder = cluster.folder().join(format!("pgbouncer-{port}"));
        fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
        let configuration = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\n\
             auth_file = {}/users\npool_mode = transaction\ndefault_pool_size = 3\n\
             max_client_conn = 500\nserver_idle_timeout = 1\nlogfile = {}/log\n",
            cluster.folder().display(),
            cluster.port(),
            folder.display(),
            folder.display()
        );
        let files = [("configuration", configuration.as_str()), ("users", "\"bailee_app\" \"\"\n")];
        for (name, text) in files {
            fs::File::create(folder.join(name)).unwrap().write_all(text.as_bytes()).unwrap();
            chown(folder.join(name), Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        chown(&folder, Some(owner.uid()), Some(owner.gid())).unwrap();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "\"$1\" -q configuration & cat; kill $!; wait", "supervise", program])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        // It refuses to be root, as the server does.
        if fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let mut supervisor = command.spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let ended = supervisor.try_wait().unwrap();
            assert!(ended.is_none(), "PgBouncer did not start: {ended:?}");
            tokio::task::yield_now().await;
        }
        Self { port, supervisor }
    }

    /// A builder for the application's role over this pooler.
    pub(crate) fn builder(&self, database: &Database<'_>) -> Builder {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).user("bailee_app").dbname(database.name());
        Builder::new(config).connections(16)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // There is nobody to tell.
        let _ = self.supervisor.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sto_04_a_server_connection_goes_to_the_next_program_without_a_tenant() {
    let (database, clock, _) = crate::fresh().await;
    let pooler = PgBouncer::before(database.cluster()).await;
    let store = pooler
        .builder(&database)
        .behind_pooler()
        .clock(Arc::new(clock.clone()))
        .connect()
        .await
        .unwrap();
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(pooler.port).user("bailee_app").dbname(database.name());
    let (next, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let (tenant, kind) = (ACME, NOTE);
    let mut processes = BTreeSet::new();
    for number in 0..30 {
        let put = batch(&clock).put(note(key(number), &clock), Expect::Absent).build().unwrap();
        let reads = [key(number)];
        let (put, read, counted) = tokio::join!(
            store.commit(&tenant, &put),
            store.read(&tenant, &reads),
            store.tally(None, &kind)
        );
        put.unwrap();
        read.unwrap();
        counted.unwrap();
        let state =
            "SELECT pg_backend_pid()::text, coalesce(current_setting('bailee.tenant', true), ''),
                       current_user::text, (SELECT count(*) FROM bailee.record)::text";
        let rows = next.simple_query(state).await.unwrap();
        let row = rows.iter().find_map(|row| match row {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let row = row.unwrap();
        processes.insert(row.get(0).unwrap().to_owned());
        assert_eq!((row.get(1), row.get(2), row.get(3)), (Some(""), Some("bailee_app"), Some("0")));
    }
    // The pooler has three server processes for store and program together.
    assert!(processes.len() <= 3, "{processes:?}");
}
