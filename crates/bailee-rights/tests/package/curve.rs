//! X25519 (RFC 7748) with a key that lasts, which the library of ciphers does not offer. It is slow and
//! not constant in time: for tests, with keys that are none.

type Field = [i64; 16];

/// The product of a scalar and a point.
pub(crate) fn scalar_mult(scalar: &[u8; 32], point: &[u8; 32]) -> [u8; 32] {
    let mut z = *scalar;
    z[31] = (z[31] & 127) | 64;
    z[0] &= 248;
    let mut x: Field = [0; 16];
    for (n, limb) in x.iter_mut().enumerate() {
        *limb = i64::from(point[2 * n]) + (i64::from(point[2 * n + 1]) << 8);
    }
    x[15] &= 0x7fff;
    let (mut a, mut b, mut c, mut d) = ([0; 16], x, [0; 16], [0; 16]);
    (a[0], d[0]) = (1, 1);
    let mut constant: Field = [0; 16];
    (constant[0], constant[1]) = (0xdb41, 1);
    for i in (0..255).rev() {
        let set = (z[i >> 3] >> (i & 7)) & 1 == 1;
        if set {
            (a, b, c, d) = (b, a, d, c);
        }
        let e = add(&a, &c);
        a = subtract(&a, &c);
        c = add(&b, &d);
        b = subtract(&b, &d);
        d = multiply(&e, &e);
        let f = multiply(&a, &a);
        a = multiply(&c, &a);
        c = multiply(&b, &e);
        let e = add(&a, &c);
        a = subtract(&a, &c);
        b = multiply(&a, &a);
        c = subtract(&d, &f);
        a = multiply(&c, &constant);
        a = add(&a, &d);
        c = multiply(&c, &a);
        a = multiply(&d, &f);
        d = multiply(&b, &x);
        b = multiply(&e, &e);
        if set {
            (a, b, c, d) = (b, a, d, c);
        }
    }
    pack(&multiply(&a, &invert(&c)))
}

fn add(a: &Field, b: &Field) -> Field {
    std::array::from_fn(|n| a[n] + b[n])
}

fn subtract(a: &Field, b: &Field) -> Field {
    std::array::from_fn(|n| a[n] - b[n])
}

fn multiply(a: &Field, b: &Field) -> Field {
    let mut product = [0; 31];
    for (i, a) in a.iter().enumerate() {
        for (j, b) in b.iter().enumerate() {
            product[i + j] += a * b;
        }
    }
    let mut out: Field =
        std::array::from_fn(|n| product[n] + if n < 15 { 38 * product[n + 16] } else { 0 });
    carry(&mut out);
    carry(&mut out);
    out
}

fn carry(out: &mut Field) {
    for n in 0..16 {
        let over = out[n] >> 16;
        out[n] -= over << 16;
        if n < 15 { out[n + 1] += over } else { out[0] += 38 * over }
    }
}

fn invert(of: &Field) -> Field {
    let mut c = *of;
    for n in (0..254).rev() {
        c = multiply(&c, &c);
        if n != 2 && n != 4 {
            c = multiply(&c, of);
        }
    }
    c
}

fn pack(of: &Field) -> [u8; 32] {
    let mut t = *of;
    for _ in 0..3 {
        carry(&mut t);
    }
    for _ in 0..2 {
        let mut m: Field = [0; 16];
        m[0] = t[0] - 0xffed;
        for n in 1..15 {
            m[n] = t[n] - 0xffff - ((m[n - 1] >> 16) & 1);
            m[n - 1] &= 0xffff;
        }
        m[15] = t[15] - 0x7fff - ((m[14] >> 16) & 1);
        let below = (m[15] >> 16) & 1 == 1;
        m[14] &= 0xffff;
        if !below {
            t = m;
        }
    }
    std::array::from_fn(|n| (t[n / 2] >> (8 * (n % 2)) & 0xff) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> [u8; 32] {
        std::array::from_fn(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap())
    }

    /// The first vector of RFC 7748, section 5.2.
    #[test]
    fn the_product_is_that_of_the_rfc() {
        let scalar = bytes("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
        let point = bytes("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
        let product = bytes("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
        assert_eq!(scalar_mult(&scalar, &point), product);
    }
}
