//! Connections of the driver alone: what lies under the store on PostgreSQL.

use std::{error::Error, sync::Arc};

use bailee_postgres::testing::Database;
use bytes::BytesMut;
use tokio_postgres::{
    Client, NoTls,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

/// Connections of the driver in the superuser's role, for which there is no row security.
///
/// # Panics
///
/// When the server refuses one.
pub async fn bare(database: &Database<'_>, connections: usize) -> Vec<Arc<Client>> {
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        let (client, driving) =
            database.socket("postgres").connect(NoTls).await.expect("a connection");
        tokio::spawn(driving);
        clients.push(Arc::new(client));
    }
    clients
}

/// Sixteen bytes as the server takes them.
#[derive(Clone, Copy, Debug)]
pub struct Uuid(pub [u8; 16]);

impl ToSql for Uuid {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::UUID
    }

    to_sql_checked!();
}
