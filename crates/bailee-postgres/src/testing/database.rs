//! One test's database.

use std::sync::Arc;

use tokio_postgres::{Client, Config};

use bailee_core::{Clock, Result};

use super::{Cluster, cluster::SUPERUSER};
use crate::{Builder, PostgresStore};

/// A database of a [`Cluster`], for one test.
#[derive(Clone, Debug)]
pub struct Database<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl<'a> Database<'a> {
    pub(super) fn new(cluster: &'a Cluster, name: String) -> Self {
        Self { cluster, name }
    }

    /// A store in the application's role, with its own connections, whose clock is the one given.
    ///
    /// # Errors
    ///
    /// Those of [`Builder::connect`].
    pub async fn store(&self, clock: Arc<dyn Clock>) -> Result<PostgresStore> {
        self.builder("bailee_app").clock(clock).connect().await
    }

    /// A builder for a role, over the socket, where no password is asked for.
    pub fn builder(&self, role: &str) -> Builder {
        Builder::new(self.socket(role))
    }

    /// The address of the socket for a role.
    pub fn socket(&self, role: &str) -> Config {
        self.cluster.socket(&self.name, role)
    }

    /// The address on loopback for a role, with its password: `bailee_app` or the superuser.
    pub fn loopback(&self, role: &str) -> Config {
        self.loopback_at(role, self.cluster.port())
    }

    pub(super) fn loopback_at(&self, role: &str, port: u16) -> Config {
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(port)
            .user(role)
            .password(self.cluster.password_of(role))
            .dbname(&self.name);
        config
    }

    /// A builder for the superuser, to migrate with.
    pub fn as_superuser(&self) -> Builder {
        self.builder(SUPERUSER)
    }

    /// A connection of the superuser, to look and to break things.
    ///
    /// # Errors
    ///
    /// Those of connecting.
    pub async fn superuser(&self) -> Result<Client> {
        self.cluster.administrator(&self.name).await
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it lies.
    pub fn cluster(&self) -> &'a Cluster {
        self.cluster
    }
}
