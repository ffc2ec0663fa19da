use super::super::sha256;
use super::super::tests::message;
use super::*;

/// Both ways, where this processor has both.
fn ways() -> [Sha256Pair; 2] {
    [Sha256Pair::new(), Sha256Pair::apart()]
}

#[test]
fn both_digests_are_the_right_ones_whatever_their_lengths() {
    // Around one block, and around the places where padding needs one block more.
    let lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 129, 191, 192, 1000, 4096];
    for left in lengths {
        for right in lengths {
            let (left, right) = (message(left, 1), message(right, 2));
            for mut pair in ways() {
                pair.update([&left, &right]);
                let expected = [sha256(&left), sha256(&right)];
                assert_eq!(pair.finish(), expected, "{} beside {}", left.len(), right.len());
            }
        }
    }
}

#[test]
fn pieces_of_any_lengths_come_to_the_same() {
    let (left, right) = (message(3000, 1), message(2500, 2));
    for [of_left, of_right] in [[1, 1], [1, 64], [63, 65], [64, 64], [7, 300], [1000, 16], [129, 128], [3000, 2500]] {
        for mut pair in ways() {
            let mut pieces = [left.chunks(of_left), right.chunks(of_right)];
            loop {
                let next = pieces.each_mut().map(Iterator::next);
                if next == [None, None] {
                    break;
                }
                pair.update(next.map(Option::unwrap_or_default));
            }
            assert_eq!(pair.finish(), [sha256(&left), sha256(&right)], "{of_left}, {of_right}");
        }
    }
}

#[test]
fn two_messages_of_nothing_have_the_digest_of_nothing() {
    for pair in ways() {
        assert_eq!(pair.finish(), [sha256(&[]); 2]);
    }
}
