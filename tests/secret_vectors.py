#!/usr/bin/env python3
"""Checks the vectors of shared secrets in docs/protocol-vectors.json, by docs/protocol.md alone.

It shares nothing with the program: HMAC and SHA-256 are of Python's own library, X25519 (RFC 7748), ChaCha20-Poly1305 (RFC 8439) and Noise
(revision 34) are written out below. Run: python3 tests/secret_vectors.py docs/protocol-vectors.json
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
        cases = json.load(file)["secrets"]
    for case in cases:
        check(case)
    print(f"{len(cases)} vectors of secrets hold")
