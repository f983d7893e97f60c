//! Known answers, and every proof of small trees against the definition.

use std::{collections::HashSet, convert::Infallible};

use proptest::prelude::*;

use super::*;

/// The leaves that implementations of RFC 6962 test with.
const INPUTS: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

/// The heads of the trees over the first one, two and so on of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn bytes(hex: &str) -> Vec<u8> {
    let pair = |n| u8::from_str_radix(&hex[n..n + 2], 16);
    (0..hex.len()).step_by(2).map(|n| pair(n).unwrap_or_default()).collect()
}

fn hash(hex: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(&bytes(hex));
    hash
}

fn known() -> Vec<[u8; 32]> {
    INPUTS.iter().map(|input| leaf_hash(&bytes(input))).collect()
}

fn leaves(count: u64) -> Vec<[u8; 32]> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// The head as RFC 9162 §2.1.1 defines it.
fn defined(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        leaves => {
            let mut k = 1;
            while k * 2 < leaves.len() {
                k *= 2;
            }
            node_hash(&defined(&leaves[..k]), &defined(&leaves[k..]))
        }
    }
}

/// The path as RFC 9162 §2.1.3.1 defines it.
fn defined_path(leaf: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let mut k = 1;
    while k * 2 < leaves.len() {
        k *= 2;
    }
    let (left, right) = leaves.split_at(k);
    let (mut path, beside) = if leaf < k {
        (defined_path(leaf, left), defined(right))
    } else {
        (defined_path(leaf - k, right), defined(left))
    };
    path.push(beside);
    path
}

/// The proof as RFC 9162 §2.1.4.1 defines it.
fn defined_growth(old: usize, leaves: &[[u8; 32]], whole: bool) -> Vec<[u8; 32]> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![defined(leaves)] };
    }
    let mut k = 1;
    while k * 2 < leaves.len() {
        k *= 2;
    }
    let (left, right) = leaves.split_at(k);
    let (mut path, beside) = if old <= k {
        (defined_growth(old, left, whole), defined(right))
    } else {
        (defined_growth(old - k, right, false), defined(left))
    };
    path.push(beside);
    path
}

/// What a store with all hashes answers.
fn head(leaves: &[[u8; 32]]) -> impl Fn(Node) -> Result<[u8; 32], Infallible> + '_ {
    |node| {
        let range = node.leaves();
        Ok(defined(&leaves[range.start as usize..range.end as usize]))
    }
}

fn inclusion(leaf: u64, leaves: &[[u8; 32]]) -> InclusionProof {
    let plan = InclusionPlan::new(leaf, leaves.len() as u64).unwrap();
    plan.prove(head(leaves)).unwrap()
}

fn growth(old: u64, leaves: &[[u8; 32]]) -> ConsistencyProof {
    let plan = ConsistencyPlan::new(old, leaves.len() as u64).unwrap();
    plan.prove(head(leaves)).unwrap()
}

#[test]
fn the_heads_of_small_trees_are_those_that_everybody_knows() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(Frontier::default().root(), hash(empty));
    let mut frontier = Frontier::default();
    for (n, leaf) in known().into_iter().enumerate() {
        frontier.push(leaf);
        assert_eq!(frontier.root(), hash(ROOTS[n]), "{n}");
        assert_eq!(root(&known()[..=n]), hash(ROOTS[n]));
    }
}

#[test]
fn the_proofs_of_small_trees_are_those_that_everybody_knows() {
    let all = known();
    let path = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ];
    assert_eq!(inclusion(0, &all).path, path.map(hash));
    assert_eq!(growth(1, &all).path, path.map(hash));
    let six = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(growth(6, &all).path, six.map(hash));
    let two = [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ];
    assert_eq!(growth(2, &all[..5]).path, two.map(hash));
}

#[test]
fn aud_02_each_leaf_of_each_small_tree_is_proven_as_defined() {
    let all = leaves(40);
    for size in 1..=all.len() {
        let tree = &all[..size];
        let root = defined(tree);
        for leaf in 0..size {
            let proof = inclusion(leaf as u64, tree);
            assert_eq!(proof.path, defined_path(leaf, tree), "{leaf} of {size}");
            assert_eq!(proof.verify(&tree[leaf], &root), Ok(()));
        }
    }
}

#[test]
fn aud_02_each_growth_of_each_small_tree_is_proven_as_defined() {
    let all = leaves(40);
    for size in 0..=all.len() {
        let tree = &all[..size];
        let root = defined(tree);
        for old in 0..=size {
            let proof = growth(old as u64, tree);
            if old > 0 {
                assert_eq!(proof.path, defined_growth(old, tree, true), "{old} to {size}");
            }
            assert_eq!(proof.verify(&defined(&tree[..old]), &root), Ok(()), "{old} to {size}");
        }
    }
}

#[test]
fn a_plan_asks_for_few_hashes_and_for_each_once() {
    let million = 1_000_000;
    for leaf in [0, 1, 4_095, 524_287, 524_288, 999_998, 999_999] {
        let plan = InclusionPlan::new(leaf, million).unwrap();
        let nodes: Vec<_> = plan.nodes().collect();
        assert!(nodes.len() <= 40, "{}", nodes.len());
        assert_eq!(nodes.iter().collect::<HashSet<_>>().len(), nodes.len());
        assert!(nodes.iter().all(|node| !node.leaves().contains(&leaf)));
        let covered: u64 = nodes.iter().map(|node| node.leaves().end - node.leaves().start).sum();
        assert_eq!(covered, million - 1);
    }
}

#[test]
fn what_is_not_in_the_tree_has_no_plan_and_no_proof() {
    assert_eq!(InclusionPlan::new(0, 0).unwrap_err(), ProofFault::OutOfTree);
    assert_eq!(InclusionPlan::new(3, 3).unwrap_err(), ProofFault::OutOfTree);
    assert_eq!(ConsistencyPlan::new(4, 3).unwrap_err(), ProofFault::OutOfTree);
    let proof = InclusionProof::new(3, 3, Vec::new());
    assert_eq!(proof.verify(&[0; 32], &[0; 32]), Err(ProofFault::OutOfTree));
    let proof = ConsistencyProof::new(4, 3, Vec::new());
    assert_eq!(proof.verify(&[0; 32], &[0; 32]), Err(ProofFault::OutOfTree));
}

#[test]
fn a_frontier_is_taken_up_where_it_was_left_and_nothing_else_is_one() {
    let all = leaves(300);
    let mut frontier = Frontier::default();
    for (n, leaf) in all.iter().enumerate() {
        assert_eq!(frontier.root(), defined(&all[..n]));
        let (size, heads) = (frontier.size(), frontier.heads().to_vec());
        let mut longer = heads.clone();
        longer.push([0; 32]);
        assert_eq!(Frontier::resume(size, longer), Err(NotAFrontier));
        if n > 0 {
            assert_eq!(Frontier::resume(size, heads[1..].to_vec()), Err(NotAFrontier));
        }
        frontier = Frontier::resume(size, heads).unwrap();
        frontier.push(*leaf);
    }
}

proptest! {
    #[test]
    fn aud_02_every_changed_bit_of_a_proof_is_found(
        size in 2_u64..130,
        leaf in any::<prop::sample::Index>(),
        bit in any::<prop::sample::Index>(),
    ) {
        let all = leaves(size);
        let leaf = leaf.index(size as usize);
        let root = defined(&all);
        let proof = inclusion(leaf as u64, &all);
        let mut changed = proof.clone();
        let bit = bit.index(proof.path.len() * 256);
        changed.path[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(changed.verify(&all[leaf], &root), Err(ProofFault::OtherRoot));

        let mut cut = proof.clone();
        cut.path.pop();
        prop_assert_eq!(cut.verify(&all[leaf], &root), Err(ProofFault::Length));
        let mut long = proof.clone();
        long.path.push([0; 32]);
        prop_assert_eq!(long.verify(&all[leaf], &root), Err(ProofFault::Length));
        for other in [0, leaf as u64 / 2, leaf as u64 + 1] {
            if other != leaf as u64 {
                let other = InclusionProof::new(other, size, proof.path.clone());
                prop_assert!(other.verify(&all[leaf], &root).is_err());
            }
        }
    }

    #[test]
    fn aud_02_no_other_past_is_taken_for_the_tree_s_own(
        size in 2_u64..130,
        old in any::<prop::sample::Index>(),
        changed in any::<prop::sample::Index>(),
    ) {
        let all = leaves(size);
        let old = old.index(size as usize - 1) + 1;
        let root = defined(&all);
        let proof = growth(old as u64, &all);
        let mut past = all[..old].to_vec();
        past[changed.index(old)][0] ^= 1;
        prop_assert!(proof.verify(&defined(&past), &root).is_err());
        // Nor one that the tree's owner makes a proof for out of other leaves.
        let mut others = all.clone();
        others[changed.index(old)][0] ^= 1;
        let forged = growth(old as u64, &others);
        prop_assert!(forged.verify(&defined(&all[..old]), &defined(&others)).is_err());
        for n in 0..proof.path.len() {
            let mut changed = proof.clone();
            changed.path[n][31] ^= 0x80;
            prop_assert!(changed.verify(&defined(&all[..old]), &root).is_err());
        }
    }

    #[test]
    fn a_frontier_has_the_head_that_is_defined(count in 0_u64..300) {
        let all = leaves(count);
        prop_assert_eq!(root(&all), defined(&all));
    }
}
