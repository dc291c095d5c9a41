//! What the fuzzer promises about the messages between parent and worker,
//! whichever of the two went mad. Only tests and the fuzz target `protocol` in
//! `fuzz/` see this; the target also limits the memory that may be taken.
#![expect(clippy::panic, reason = "this is how a broken promise is told")]

use crate::{
    protocol::{self, Order, Report},
    worker,
};

/// Bytes as the worker reads them, and as its parent does.
///
/// # Panics
/// Where a message is accepted that does not survive being said again.
pub fn protocol(data: &[u8]) {
    orders(data);
    reports(data);
}

/// Reads orders until one makes no sense or the parent is gone.
fn orders(mut input: &[u8]) {
    while let Ok(Some(order)) = protocol::read_order(&mut input) {
        said_again(&order, protocol::decode::<Order>);
        if let Order::Start(orders) = order {
            // Whether it can be carried out: nothing is started.
            let _ = worker::job(*orders);
        }
    }
}

/// Reads reports as the supervisor does, which takes bodies for opaque.
fn reports(mut input: &[u8]) {
    while let Some((prefix, rest)) = input.split_first_chunk() {
        let Ok((header, body)) = protocol::lengths(*prefix) else {
            return;
        };
        let Some((header, rest)) = rest.split_at_checked(header) else {
            return;
        };
        if let Ok(report) = protocol::decode::<Report>(header) {
            said_again(&report, protocol::decode::<Report>);
        }
        input = rest.get(body..).unwrap_or_default();
    }
}

/// What was understood is understood again as the same. Bytes are compared, for
/// a number may be none.
fn said_again<T: serde::Serialize>(message: &T, decode: fn(&[u8]) -> std::io::Result<T>) {
    let header = |message: &T| {
        let message = protocol::head(message, 0).unwrap_or_default();
        message.get(8..).unwrap_or_default().to_vec()
    };
    let said = header(message);
    assert!(!said.is_empty());
    match decode(&said) {
        Ok(again) => assert_eq!(header(&again), said),
        Err(error) => panic!("not understood the second time: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn all_that_the_fuzzer_ever_kept_still_passes() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/protocol");
        let files: Vec<_> = fs::read_dir(corpus).unwrap().collect();
        assert!(!files.is_empty());
        for file in files {
            let path = file.unwrap().path();
            eprintln!("{}", path.display());
            protocol(&fs::read(path).unwrap());
        }
    }
}
