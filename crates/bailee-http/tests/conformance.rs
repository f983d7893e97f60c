//! The client passes the suite of its own seam.

use std::{net::SocketAddr, sync::Arc};

use bailee_http::{HttpSend, Reqwest, Tls};

fn client(root: &str, address: SocketAddr) -> Arc<dyn HttpSend> {
    let tls = Tls::roots(root).expect("the suite's root is good");
    Arc::new(Reqwest::danger_fixed_address(tls, address).expect("the suite's address is good"))
}

bailee_http::http_send_suite!(client);
