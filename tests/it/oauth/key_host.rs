//! A web server that holds a client's JWK Set and counts who asks for it, with or without TLS.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A host on a free port of 127.0.0.1. Its threads end with the test process.
pub(crate) struct KeyHost {
    port: u16,
    shared: Arc<Shared>,
    /// The certificate in PEM, for the settings of who shall trust it.
    pub(crate) certificate: Option<String>,
}

#[derive(Default)]
struct Shared {
    answer: Mutex<Vec<u8>>,
    /// The pause before each kilobyte of the answer.
    pause: Mutex<Duration>,
    asked: AtomicUsize,
}

impl KeyHost {
    /// A host that speaks HTTP.
    pub(crate) fn start() -> KeyHost {
        KeyHost::listen(None, None)
    }

    /// A host that speaks HTTPS with a certificate of its own for `localhost`.
    pub(crate) fn with_tls() -> KeyHost {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config =
            config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let body = STANDARD.encode(made.cert.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        KeyHost::listen(Some(Arc::new(config)), Some(pem))
    }

    fn listen(tls: Option<Arc<ServerConfig>>, certificate: Option<String>) -> KeyHost {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host =
            KeyHost { port: listener.local_addr().unwrap().port(), shared: Arc::default(), certificate };
        let shared = Arc::clone(&host.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                std::thread::spawn(move || match tls {
                    // Who does not trust the certificate goes away in the middle.
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        let _ = shared.serve(&mut StreamOwned::new(connection, stream));
                    }
                    None => drop(shared.serve(&mut { stream as TcpStream })),
                });
            }
        });
        host
    }

    /// Where the set is, with the host written as `name`.
    pub(crate) fn address(&self, name: &str) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{name}:{}/jwks.json", self.port)
    }

    /// From now on these keys are there, with these headers.
    pub(crate) fn hold(&self, keys: &[Value], headers: &str) {
        self.answer("200 OK", headers, &json!({ "keys": keys }).to_string());
    }

    /// From now on this is the answer.
    pub(crate) fn answer(&self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
        *self.shared.answer.lock().unwrap() = [head.as_bytes(), body.as_bytes()].concat();
    }

    /// From now on each kilobyte of an answer takes this long.
    pub(crate) fn slow(&self, pause: Duration) {
        *self.shared.pause.lock().unwrap() = pause;
    }

    /// How often somebody asked.
    pub(crate) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn serve(&self, stream: &mut (impl Read + Write)) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (answer, pause) = (self.answer.lock().unwrap().clone(), *self.pause.lock().unwrap());
        for part in answer.chunks(1024) {
            std::thread::sleep(pause);
            stream.write_all(part)?;
            stream.flush()?;
        }
        Ok(())
    }
}
