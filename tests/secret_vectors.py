#!/usr/bin/env python3
"""Checks the vectors of shared secrets in docs/protocol-vectors.json, by docs/protocol.md alone.

It shares nothing with the program: HMAC, SHA-256 and SHA-512 are of Python's own library, X25519 (RFC 7748), ChaCha20-Poly1305 (RFC 8439), Noise
(revision 34) and Ed25519 (RFC 8032) are written out below. Run: python3 tests/secret_vectors.py docs/protocol-vectors.json
"""
import hashlib
import hmac
import json
import struct
import sys


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


# Section "Keys".

def derive(key, purpose, group):
    return mac(key, purpose, b"\0", group)


# Section "Presence under a secret".

def tag(key, datagram):
    return mac(key, datagram)[:16]


def stream(key, siv, length):
    blocks = (mac(key, siv, struct.pack(">I", n)) for n in range(length // 32 + 1))
    return b"".join(blocks)[:length]


def seal(seal_key, stream_key, body):
    siv = mac(seal_key, body)[:16]
    return siv + xor(body, stream(stream_key, siv, len(body)))


def unseal(seal_key, stream_key, sealed):
    siv, covered = sealed[:16], sealed[16:]
    body = xor(covered, stream(stream_key, siv, len(covered)))
    return body if hmac.compare_digest(siv, mac(seal_key, body)[:16]) else None


def xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other))


# RFC 7748, section 5.

def x25519(scalar, u):
    p = 2**255 - 19
    k = int.from_bytes(bytes([scalar[0] & 248]) + scalar[1:31] + bytes([scalar[31] & 127 | 64]), "little")
    x1 = int.from_bytes(u, "little") % 2**255
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b = (x2 + z2) % p, (x2 - z2) % p
        c, d = (x3 + z3) % p, (x3 - z3) % p
        da, cb = d * a % p, c * b % p
        x3, z3 = (da + cb) ** 2 % p, x1 * (da - cb) ** 2 % p
        aa, bb = a * a % p, b * b % p
        e = (aa - bb) % p
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


# RFC 8439, sections 2.3, 2.5 and 2.8.

def chacha_block(key, counter, nonce):
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce))
    s = start[:]

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            mixed = s[z] ^ s[x]
            s[z] = (mixed << turn | mixed >> 32 - turn) & 0xFFFFFFFF

    for _ in range(10):
        for n in range(4):
            quarter(n, n + 4, n + 8, n + 12)
        for n in range(4):
            quarter(n, (n + 1) % 4 + 4, (n + 2) % 4 + 8, (n + 3) % 4 + 12)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(s, start)))


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for n in range(0, len(message), 16):
        total = (total + int.from_bytes(message[n:n + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def encrypt(key, n, ad, text):
    nonce = bytes(4) + struct.pack("<Q", n)
    blocks = b"".join(chacha_block(key, 1 + i, nonce) for i in range(len(text) // 64 + 1))
    covered = xor(text, blocks)
    pad = lambda part: part + bytes(-len(part) % 16)
    checked = pad(ad) + pad(covered) + struct.pack("<QQ", len(ad), len(covered))
    return covered + poly1305(chacha_block(key, 0, nonce)[:32], checked)


# Noise, sections 4 and 5; the pattern NNpsk0.

class Symmetric:
    def __init__(self, prologue):
        name = b"Noise_NNpsk0_25519_ChaChaPoly_SHA256"
        self.ck = self.h = hashlib.sha256(name).digest() if len(name) > 32 else name.ljust(32, b"\0")
        self.k, self.n = None, 0
        self.mix_hash(prologue)

    def mix_hash(self, data):
        self.h = hashlib.sha256(self.h + data).digest()

    def hkdf(self, data, outputs):
        temporary, out = mac(self.ck, data), [b""]
        for n in range(1, outputs + 1):
            out.append(mac(temporary, out[-1], bytes([n])))
        return out[1:]

    def mix_key(self, data):
        self.ck, self.k = self.hkdf(data, 2)
        self.n = 0

    def mix_key_and_hash(self, data):
        self.ck, middle, self.k = self.hkdf(data, 3)
        self.n = 0
        self.mix_hash(middle)

    def encrypt_and_hash(self, text):
        sealed = encrypt(self.k, self.n, self.h, text)
        self.n += 1
        self.mix_hash(sealed)
        return sealed


def exchange(psk, group, dialer, server, ticket, request, reply):
    """The two messages of the handshake, and the two after it."""
    state = Symmetric(b"vigie 1 exchange\0" + group)
    base = (9).to_bytes(32, "little")
    state.mix_key_and_hash(psk)
    public = x25519(dialer, base)
    state.mix_hash(public)
    state.mix_key(public)
    first = public + state.encrypt_and_hash(b"")
    public = x25519(server, base)
    state.mix_hash(public)
    state.mix_key(public)
    state.mix_key(x25519(server, first[:32]))
    second = public + state.encrypt_and_hash(ticket)
    to_server, to_dialer = state.hkdf(b"", 2)
    return first, second, encrypt(to_server, 0, b"", request), encrypt(to_dialer, 0, b"", reply)


# Section "Resuming".

def resumed(resume_key, ticket, dialer_nonce, server_nonce, request, reply):
    """The two messages that begin with a ticket, and the two after it."""
    name, key = ticket[:16], ticket[16:]
    first = dialer_nonce + mac(resume_key, name, dialer_nonce)[:16]
    to_server, to_dialer = (mac(key, purpose, b"\0", dialer_nonce, server_nonce)
                            for purpose in (b"vigie 1 resumed request", b"vigie 1 resumed reply"))
    second = server_nonce + encrypt(to_dialer, 0, b"", b"")
    return first, second, encrypt(to_server, 0, b"", request), encrypt(to_dialer, 1, b"", reply)


# RFC 8032, sections 5.1.1 to 5.1.7.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(one, other):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, point):
    found = 0, 1, 1, 0
    while n:
        if n & 1:
            found = add(found, point)
        point, n = add(point, point), n >> 1
    return found


def x_of(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert not (x * x - square) % P
    return P - x if x % 2 != sign else x


def packed(point):
    x, y, z, _ = point
    z = pow(z, P - 2, P)
    return (y * z % P | x * z % P % 2 << 255).to_bytes(32, "little")


def unpacked(point):
    y = int.from_bytes(point, "little")
    sign, y = y >> 255, y % 2**255
    x = x_of(y, sign)
    return x, y, 1, x * y % P


BASE = unpacked((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def hashed(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def key_pair(private):
    h = hashlib.sha512(private).digest()
    scalar = int.from_bytes(bytes([h[0] & 248]) + h[1:31] + bytes([h[31] & 127 | 64]), "little")
    return scalar, h[32:], packed(times(scalar, BASE))


def sign(private, text):
    scalar, prefix, public = key_pair(private)
    r = hashed(prefix, text)
    point = packed(times(r, BASE))
    return point + ((r + hashed(point, public, text) * scalar) % L).to_bytes(32, "little")


def is_signed(public, text, signature):
    point, s = signature[:32], int.from_bytes(signature[32:], "little")
    right = add(unpacked(point), times(hashed(point, public, text), unpacked(public)))
    return s < L and packed(times(s, BASE)) == packed(right)


# RFC 8949, as far as rows need it: numbers, byte strings, texts and arrays.

def cbor_head(major, n):
    for size, more in ((0, 24), (1, 2**8), (2, 2**16), (4, 2**32), (8, 2**64)):
        if n < more:
            info = n if size == 0 else {1: 24, 2: 25, 4: 26, 8: 27}[size]
            return bytes([major << 5 | info]) + (n.to_bytes(size, "big") if size else b"")


def cbor(item):
    if isinstance(item, int):
        return cbor_head(0, item)
    if isinstance(item, bytes):
        return cbor_head(2, len(item)) + item
    if isinstance(item, str):
        return cbor_head(3, len(item.encode())) + item.encode()
    return cbor_head(4, len(item)) + b"".join(map(cbor, item))


def read(data, at):
    """The item at a place, and the place behind it."""
    major, n, at = data[at] >> 5, data[at] & 31, at + 1
    if n >= 24:
        size = 1 << n - 24
        n, at = int.from_bytes(data[at:at + size], "big"), at + size
    if major == 0:
        return n, at
    if major in (2, 3):
        text = data[at:at + n]
        return (text if major == 2 else text.decode()), at + n
    assert major == 4
    items = []
    for _ in range(n):
        item, at = read(data, at)
        items.append(item)
    return items, at


# Section "Rows under a secret".

def row_digest(entries):
    """Of a whole row: each entry as it is signed, in the order of ids."""
    forms = [cbor(entry[:5] + [65535, 65535] + entry[7:10]) for entry in sorted(entries)]
    return hashlib.sha256(b"vigie 1 row entries\0" + b"".join(forms)).digest()


def page_digest(head, entries):
    return hashlib.sha256(b"vigie 1 row page\0" + struct.pack(">QQ", *head[2:4]) + entries).digest()


def statement(group, head, row, page):
    owner, incarnation, latest, interval = head[0], head[1], head[4], head[7]
    numbers = struct.pack(">QQI", incarnation, latest, interval)
    return b"vigie 1 row\0" + bytes([len(group)]) + group + owner + numbers + row + page


def node_id(public):
    return hashlib.sha256(b"vigie 1 node id\0" + public).digest()[:16]


def vouches(group, page, is_own):
    """Whether the owner of a row said what is in a page, which came from that one or was passed on."""
    head, begin = read(page, 0)
    entries, at = [], begin
    while at < len(page):
        entry, at = read(page, at)
        entries.append(entry)
    assert len(entries) == head[6]
    if len(head) < 9 or len(head[8]) != 128:
        return False
    public, digest, signature = head[8][:32], head[8][32:64], head[8][64:]
    if is_own:
        row, said = digest, page_digest(head, page[begin:])
    else:
        row, said = row_digest(entries), digest
        if head[2] != 0 or head[3] != head[4]:
            return False
    signed = is_signed(public, statement(group, head, row, said), signature)
    return signed and node_id(public) == head[0]


def check_row(case):
    one = lambda name: bytes.fromhex(case[name])
    group, page, passed_on = case["group"].encode(), one("page"), one("passed_on")
    head, begin = read(page, 0)
    _, _, public = key_pair(one("private_key"))
    said = page_digest(head, page[begin:])
    found = {
        "public_key": public,
        "id": node_id(public),
        "page_digest": said,
        "statement": statement(group, head, one("row_digest"), said),
        "signature": sign(one("private_key"), one("statement")),
    }
    wrong = [name for name, value in found.items() if value != one(name)]
    assert not wrong, f"{wrong} are not what the specification says"
    assert vouches(group, page, True) and vouches(group, passed_on, False)
    assert not vouches(b"else", page, True) and not vouches(group, page, False)
    for name in case["forged"]:
        bytes_of, is_own = bytes.fromhex(case["forged"][name]), name.startswith("own")
        assert not vouches(group, bytes_of, is_own), name


def check(case):
    one = lambda name: bytes.fromhex(case[name])
    key, group = one("key"), case["group"].encode()
    keys = {name: derive(key, purpose, group) for name, purpose in (
        ("tag_key", b"vigie 1 presence tag"),
        ("seal_key", b"vigie 1 presence seal"),
        ("stream_key", b"vigie 1 presence stream"),
        ("exchange_key", b"vigie 1 exchange"),
        ("resume_key", b"vigie 1 resume"),
    )}
    tagged, sealed, body = one("tagged"), one("sealed"), one("presence")[5:]
    # Behind the magic, the version, a map of one key, 18, and the head of a byte string.
    length = {0x58: 2, 0x59: 3}[sealed[7]]
    assert sealed[:7] == b"VIGI\x01\xa1\x12"
    found = {
        **keys,
        "tagged": tagged[:-16] + tag(keys["tag_key"], tagged[:-16]),
        "sealed": sealed[:7 + length] + seal(keys["seal_key"], keys["stream_key"], body),
    }
    assert tagged[-18:-16] == b"\x11\x50"
    assert unseal(keys["seal_key"], keys["stream_key"], sealed[7 + length:]) == body
    said = one("request"), one("reply")
    messages = exchange(keys["exchange_key"], group, one("dialer"), one("server"), one("ticket"), *said)
    found.update(zip(("first", "second", "sealed_request", "sealed_reply"), messages))
    messages = resumed(keys["resume_key"], one("ticket"), one("dialer_nonce"), one("server_nonce"), *said)
    found.update(zip(("resume_first", "resume_second", "resumed_request", "resumed_reply"), messages))
    wrong = [name for name, value in found.items() if value != one(name)]
    assert not wrong, f"{wrong} are not what the specification says"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        vectors = json.load(file)
    for case in vectors["secrets"]:
        check(case)
    for case in vectors["rows"]:
        check_row(case)
    print(f"{len(vectors['secrets'])} vectors of secrets and {len(vectors['rows'])} of rows hold")
