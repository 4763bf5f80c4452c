//! Decoding never allocates: neither a message nor an error, whatever comes in.

use serde_json::Value;

use vigie::proto::exchange::{HEADER, Reply, Request, body_length};
use vigie::proto::presence::Presence;
use vigie::proto::{MAGIC, MAX_BODY, MAX_DATAGRAM, VERSION};

/// Decodes these bytes as everything they could be, and counts.
fn allocations_of_decoding(bytes: &[u8]) -> u64 {
    allocation_counter::measure(|| {
        let _ = std::hint::black_box(Presence::decode(bytes));
        if let Some((header, body)) = bytes.split_first_chunk::<HEADER>() {
            let _ = std::hint::black_box(body_length(header));
            let _ = std::hint::black_box(Request::decode(body));
            let _ = std::hint::black_box(Reply::decode(body));
        }
    })
    .count_total
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8]))).count_total, 1);
}

#[test]
fn no_vector_valid_or_invalid_makes_decoding_allocate() {
    let vectors: Value = serde_json::from_str(include_str!("../docs/protocol-vectors.json")).unwrap();
    for list in ["valid", "invalid"] {
        for vector in vectors[list].as_array().unwrap() {
            let hex = vector["hex"].as_str().unwrap();
            let bytes: Vec<u8> =
                (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
            for end in 0..=bytes.len() {
                assert_eq!(allocations_of_decoding(&bytes[..end]), 0, "{}: {end}", vector["name"]);
            }
        }
    }
}

#[test]
fn hostile_bytes_do_not_make_decoding_allocate() {
    for unit in [
        &b"\x81"[..],
        b"\xa1\x00",
        b"\xc0",
        b"\x82\x9f",
        b"\x9f",
        b"\xbf",
        b"\x7f",
        b"\xff",
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x7b\x7f\xff\xff\xff\xff\xff\xff\xff",
    ] {
        for limit in [MAX_DATAGRAM, MAX_BODY] {
            // As the value of an unknown key, and as the body.
            for start in [&b"\xa1\x18\x63"[..], b""] {
                let mut body = start.to_vec();
                body.extend(unit.iter().cycle().take(limit - HEADER - start.len()));
                let datagram = [&MAGIC[..], &[VERSION], &body].concat();
                assert_eq!(allocations_of_decoding(&datagram), 0, "{unit:02x?}");
                let length = u32::try_from(body.len()).unwrap().to_be_bytes();
                let frame = [&MAGIC[..], &[VERSION], &length, &body].concat();
                assert_eq!(allocations_of_decoding(&frame), 0, "{unit:02x?}");
            }
        }
    }
}
