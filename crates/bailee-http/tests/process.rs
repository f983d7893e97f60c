//! Nothing that is set for the process changes the client, and there is one TLS provider.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    process::{Command, Stdio},
};

use bailee_http::{
    Category, HttpSend, Reqwest, Tls,
    conformance::{Identity, Reply, Server, answer, get, post},
};

#[tokio::test(flavor = "multi_thread")]
async fn out_01_out_09_variables_of_the_process_change_nothing() {
    let replies = [answer(200, &[], "one"), answer(200, &[], "two")].map(Reply::Answer);
    let server = Server::start(Identity::Good, replies).await;
    let folder = tempfile::tempdir().unwrap();
    let (keys, roots) = (folder.path().join("keys"), folder.path().join("roots.pem"));
    std::fs::write(&roots, server.root()).unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let proxy_url = format!("http://{}", proxy.local_addr().unwrap());

    let mut command = Command::new(std::env::current_exe().unwrap());
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
    {
        command.env(name, &proxy_url);
    }
    let mut child = command
        .args(["--exact", "child_sends_under_hostile_variables"])
        .env(CHILD, "1")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env("SSL_CERT_FILE", &roots)
        .env("SSL_CERT_DIR", folder.path())
        .env("SSLKEYLOGFILE", &keys)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = format!("{}\n{}", server.address(), server.root());
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");

    assert_eq!(server.seen().requests.len(), 2, "both came here");
    assert!(proxy.accept().is_err(), "and none to the proxy");
    assert!(!keys.exists(), "no session key was written");
}

/// Says that this process is the child of the test above.
const CHILD: &str = "BAILEE_HTTP_CHILD";

/// The child of the test above, which tells it by standard input where the server is.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "this is how a test knows that it is a child")]
async fn child_sends_under_hostile_variables() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).unwrap();
    let (address, root) = input.split_once('\n').unwrap();
    let address: SocketAddr = address.parse().unwrap();

    let client = Reqwest::danger_fixed_address(Tls::roots(root).unwrap(), address).unwrap();
    assert_eq!(*client.send(get("/")).await.unwrap().body, b"one");
    assert_eq!(*client.send(post("/", b"secret")).await.unwrap().body, b"two");

    // The variable names the server's root, and this client was not given it.
    let other = Reqwest::danger_fixed_address(Tls::mozilla_roots(), address).unwrap();
    assert_eq!(other.send(get("/")).await.unwrap_err().category(), Category::Tls);
}

#[test]
fn out_10_there_is_one_tls_provider_and_it_is_ring() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "bailee-http", "--all-features"])
        .args(["--edges", "normal,build", "--prefix", "none", "--format", "{lib} {p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    // A crate that was listed before is marked.
    let lines = || tree.lines().map(|line| line.trim_end_matches(" (*)"));
    let crates: BTreeSet<&str> = lines().filter_map(|line| line.split(' ').next()).collect();
    for one in ["ring", "rustls", "reqwest"] {
        let versions: BTreeSet<&str> =
            lines().filter(|line| line.starts_with(&format!("{one} "))).collect();
        assert_eq!(versions.len(), 1, "{one}: {versions:?}");
    }
    for never in [
        "aws_lc_rs",
        "aws_lc_sys",
        "aws_lc_fips_sys",
        "boring",
        "boring_sys",
        "graviola",
        "mbedtls",
        "native_tls",
        "openssl",
        "openssl_sys",
        "rustls_graviola",
        "rustls_openssl",
        "rustls_rustcrypto",
    ] {
        assert!(!crates.contains(never), "{never} is in the tree");
    }
}

#[test]
fn out_01_no_other_crate_of_the_workspace_can_build_a_client() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--workspace", "--all-features", "--edges", "normal,build"])
        .args(["--invert", "reqwest", "--depth", "1", "--prefix", "none", "--format", "{lib}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert_eq!(tree.lines().collect::<Vec<_>>(), ["reqwest", "bailee_http"]);
}
