//! The client passes the suite of its own seam.

use std::{net::SocketAddr, sync::Arc};

use bailee_http::{HttpSend, Reqwest, Tls};

fn client(root: &str, address: SocketAddr) -> Arc<dyn HttpSend> {
    Arc::new(Reqwest::danger_fixed_address(Tls::roots(root).unwrap(), address).unwrap())
}

bailee_http::http_send_suite!(client);
