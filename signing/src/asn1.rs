//! Bounded BER to DER (own step), keeping the original bytes. Iterative, budgeted.
