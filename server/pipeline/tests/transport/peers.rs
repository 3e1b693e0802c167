//! Servers on loopback, each on a free port with a certificate of its own.

use std::future::Future;
use std::sync::Arc;

use pipeline::vendors::dialect::Request;
use pipeline::vendors::transport::Route;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use types::vendor::Vendor;

pub type Tls = TlsStream<TcpStream>;

pub struct Peer {
    pub port: u16,
    pub ca_pem: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    /// Serves every TLS connection with `serve`.
    pub async fn start<F, Fut>(alpn: &[u8], serve: F) -> Peer
    where
        F: Fn(Tls) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
        let ca_pem = made.cert.pem();
        let certificate = CertificateDer::from_pem_slice(ca_pem.as_bytes()).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).expect("PEM");
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a key");
        config.alpn_protocols = vec![alpn.to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.expect("a connection");
                socket.set_nodelay(true).expect("nodelay");
                if let Ok(stream) = acceptor.accept(socket).await {
                    tokio::spawn(serve(stream));
                }
            }
        });
        Peer { port, ca_pem, task }
    }

    pub fn route(&self, vendor: Vendor) -> Route {
        Route {
            vendor,
            base_url: format!("https://127.0.0.1:{}/prefix", self.port),
            ca_pem: Some(self.ca_pem.clone()),
            egress_proxy: None,
            source: None,
            timeout: std::time::Duration::from_secs(10),
            scope: String::new(),
        }
    }
}

/// A proxy that knows CONNECT only. Returns its port and a counter of tunnels.
pub async fn proxy() -> (u16, Arc<std::sync::atomic::AtomicUsize>) {
    let tunnels = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let counted = Arc::clone(&tunnels);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let head = read_head(&mut socket).await;
                let target = head.split_whitespace().nth(1).expect("a target").to_owned();
                assert!(head.starts_with("CONNECT "), "{head}");
                let mut peer = TcpStream::connect(&target).await.expect("the target");
                socket.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.expect("written");
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                // Ends when either side does; how is not this test's matter.
                let _ = tokio::io::copy_bidirectional(&mut socket, &mut peer).await;
            });
        }
    });
    (port, tunnels)
}

pub async fn read_head<S: AsyncReadExt + Unpin>(stream: &mut S) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return String::new(),
        }
    }
    String::from_utf8(head).expect("a head")
}

pub fn request(path: &str, body: &str) -> Request {
    Request {
        method: http::Method::POST,
        path: path.to_owned(),
        headers: vec![("authorization", "bearer x".to_owned()), ("apns-id", "id".to_owned())],
        body: bytes::Bytes::from(body.to_owned()),
    }
}

/// A loopback port nobody listens on.
pub async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").port()
}
