"""Known answers for the sealed format, by an implementation that shares nothing with the crate.

Run as `python3 generate.py > v1.txt`. Needs the package `cryptography`. Every input is a fixed
byte string, so the output is always the same.
"""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def lp(piece):
    return struct.pack(">I", len(piece)) + piece


def expand(key, info, length):
    out, block, n = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([n]), hashlib.sha256).digest()
        out, n = out + block, n + 1
    return out[:length]


def derive(key, label, context, header):
    return expand(key, label + header + hashlib.sha256(context).digest(), 64)


def seal(key, key_id, label, context, salt, seq, plaintext):
    header = b"\x01\x01" + key_id + salt + struct.pack(">Q", seq)
    okm = derive(key, label, context, header)
    header += okm[32:]
    return header + AESGCM(okm[:32]).encrypt(bytes(12), plaintext, header + context)


def show(name, **fields):
    print(f"[{name}]")
    for field, value in fields.items():
        print(f"{field} = {value if isinstance(value, (str, int)) else value.hex()}")
    print()


def pattern(start, length):
    return bytes((start + 7 * n) % 256 for n in range(length))


TENANT = b"acme"
KEY, KEY_ID, SALT = pattern(1, 32), pattern(2, 16), pattern(3, 16)
SUBJECT, CONNECTION, RECORD = pattern(4, 16), pattern(5, 16), pattern(6, 16)
WRAPPED, WRAPPED_ID = pattern(8, 32), pattern(9, 16)
SEQ = 1748779200000001


def context(word, *pieces):
    return b"\x01" + b"".join(lp(piece) for piece in (word, TENANT) + pieces)


def contexts():
    rec = context(b"record", b"credential", RECORD, b"access")
    yield "record", b"bailee1/rec", rec, SEQ, b"fake-access-token"
    yield "record-empty", b"bailee1/rec", rec, SEQ, b""
    host = context(b"record", b"host.users", b"42", b"email")
    yield "host-field", b"bailee1/rec", host, 0, b"ada@example.test"
    sub = context(b"subject-key", SUBJECT, WRAPPED_ID)
    yield "subject-key", b"bailee1/sub", sub, 0, WRAPPED
    nobody = context(b"subject-key", b"", WRAPPED_ID)
    yield "subject-key-of-nobody", b"bailee1/sub", nobody, 0, WRAPPED
    index = context(b"subject-key", b"\0index", WRAPPED_ID)
    yield "index-key", b"bailee1/sub", index, 0, WRAPPED
    yield "tenant-key", b"bailee1/ten", context(b"tenant-key", WRAPPED_ID), 0, WRAPPED
    con = context(b"connection-key", b"", CONNECTION, WRAPPED_ID)
    yield "connection-key", b"bailee1/con", con, 0, WRAPPED
    owned = context(b"connection-key", SUBJECT, CONNECTION, WRAPPED_ID)
    yield "connection-key-of-a-subject", b"bailee1/con", owned, 0, WRAPPED


# GF(2^128) of NIST SP 800-38D: the first bit of a block is the coefficient of x^0.
def multiply(a, b):
    product = 0
    for bit in range(127, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = b >> 1 ^ (0xE1 << 120 if b & 1 else 0)
    return product


def power(a, exponent):
    result = 1 << 127
    while exponent:
        if exponent & 1:
            result = multiply(result, a)
        a, exponent = multiply(a, a), exponent >> 1
    return result


def blocks(data):
    data += bytes(-len(data) % 16)
    return [int.from_bytes(data[n : n + 16], "big") for n in range(0, len(data), 16)]


def ghash(h, aad, ciphertext):
    lengths = struct.pack(">QQ", 8 * len(aad), 8 * len(ciphertext))
    state = 0
    for block in blocks(aad) + blocks(ciphertext) + blocks(lengths):
        state = multiply(state ^ block, h)
    return state


def block_cipher(key, block):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return int.from_bytes(encryptor.update(block), "big")


def two_keys():
    """A body that plain AES-GCM opens under two message keys: its last block is chosen so that
    both tags are equal (one inversion in the field)."""
    other = pattern(11, 32)
    rec = context(b"record", b"credential", RECORD, b"access")
    header = b"\x01\x01" + KEY_ID + SALT + struct.pack(">Q", SEQ)
    first = derive(KEY, b"bailee1/rec", rec, header)
    second = derive(other, b"bailee1/rec", rec, header)
    header += first[32:]
    aad = header + rec
    ciphertext = pattern(12, 32) + bytes(16)
    j0 = bytes(15) + b"\x01"
    h = [block_cipher(okm[:32], bytes(16)) for okm in (first, second)]
    mask = [block_cipher(okm[:32], j0) for okm in (first, second)]
    difference = ghash(h[0], aad, ciphertext) ^ ghash(h[1], aad, ciphertext) ^ mask[0] ^ mask[1]
    divisor = multiply(h[0], h[0]) ^ multiply(h[1], h[1])
    last = multiply(difference, power(divisor, 2**128 - 2))
    ciphertext = ciphertext[:32] + last.to_bytes(16, "big")
    tags = [(ghash(h[n], aad, ciphertext) ^ mask[n]).to_bytes(16, "big") for n in (0, 1)]
    assert tags[0] == tags[1]
    for okm in (first, second):
        AESGCM(okm[:32]).decrypt(bytes(12), ciphertext + tags[0], aad)
    show(
        "two-keys",
        key=KEY,
        other=other,
        first=first[:32],
        second=second[:32],
        key_id=KEY_ID,
        body=header + ciphertext + tags[0],
    )


for name, label, bound, seq, plaintext in contexts():
    body = seal(KEY, KEY_ID, label, bound, SALT, seq, plaintext)
    show(
        name,
        key=KEY,
        key_id=KEY_ID,
        salt=SALT,
        seq=seq,
        label=label.decode(),
        context=bound,
        plaintext=plaintext,
        body=body,
    )
two_keys()
show("root-id", key=KEY, id=expand(KEY, b"bailee1/kid", 16))
message = b"bailee1/idx" + b"".join(lp(p) for p in (TENANT, b"directory", b"tada"))
show("index", key=KEY, id=hmac.new(KEY, message + b"\x01", hashlib.sha256).digest()[:16])
facts = struct.pack(">HB", 3, 2)
for part, seq in ((b"access", SEQ), (b"refresh", SEQ - 5)):
    facts += bytes([len(part)]) + part + struct.pack(">Q", seq)
show("facts", schema=3, bytes=b'{"a":1}', access=SEQ, refresh=SEQ - 5, plaintext=facts + b'{"a":1}')
parts = b"\x02\x02" + lp(b"facts") + lp(b"sealed one") + lp(b"access") + lp(b"sealed two")
show("parts", body=parts)
