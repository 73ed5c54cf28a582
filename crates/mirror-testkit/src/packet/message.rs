//! What flows carry: HTTP, TLS as far as its handshake is readable, DNS.

/// An HTTP request.
pub fn http_get(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n").into_bytes()
}

/// An HTTP answer.
pub fn http_ok(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Bytes with their number in front, in `width` bytes.
fn counted(width: usize, bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u32).to_be_bytes();
    [&length[4 - width..], bytes].concat()
}

fn tls_record(kind: u8, version: [u8; 2], bytes: &[u8]) -> Vec<u8> {
    [&[kind], &version[..], &counted(2, bytes)].concat()
}

/// A TLS 1.3 `ClientHello` that asks for `server_name`; its random bytes are not.
pub fn tls_client_hello(server_name: &str) -> Vec<u8> {
    let name = counted(2, &[&[0], &counted(2, server_name.as_bytes())[..]].concat());
    let extensions = [
        &[0, 0][..], // server_name
        &counted(2, &name),
        &[0, 43, 0, 3, 2, 3, 4], // supported_versions: TLS 1.3
    ];
    let hello = [
        &[3, 3][..],
        &[0x11; 32], // random
        &[0],        // no session id
        &[0, 2, 0x13, 0x01],
        &[1, 0],
        &counted(2, &extensions.concat()),
    ];
    let handshake = [&[1], &counted(3, &hello.concat())[..]].concat();
    tls_record(22, [3, 1], &handshake)
}

/// The `ServerHello` that answers it.
pub fn tls_server_hello() -> Vec<u8> {
    let hello = [
        &[3, 3][..],
        &[0x22; 32], // random
        &[0],
        &[0x13, 0x01],
        &[0],
        &counted(2, &[0, 43, 0, 2, 3, 4]),
    ];
    let handshake = [&[2], &counted(3, &hello.concat())[..]].concat();
    tls_record(22, [3, 3], &handshake)
}

/// A record of `length` encrypted bytes.
pub fn tls_application_data(length: usize) -> Vec<u8> {
    let sealed: Vec<u8> = (0..length).map(|n| (n * 73 + 41) as u8).collect();
    tls_record(23, [3, 3], &sealed)
}

fn dns(id: u16, flags: u16, name: &str, answer: Option<[u8; 4]>) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend(flags.to_be_bytes());
    bytes.extend([0, 1, 0, u8::from(answer.is_some()), 0, 0, 0, 0]);
    for label in name.split('.') {
        bytes.extend(counted(1, label.as_bytes()));
    }
    bytes.extend([0, 0, 1, 0, 1]); // root, A, IN
    if let Some(address) = answer {
        //              name at 12  A     IN    time to live
        bytes.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60]);
        bytes.extend(counted(2, &address));
    }
    bytes
}

/// A DNS question for the IPv4 address of `name`.
pub fn dns_query(id: u16, name: &str) -> Vec<u8> {
    dns(id, 0x0100, name, None)
}

/// The answer to it.
pub fn dns_answer(id: u16, name: &str, address: [u8; 4]) -> Vec<u8> {
    dns(id, 0x8180, name, Some(address))
}
