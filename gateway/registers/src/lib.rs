//! Questions to state registers. Empty until the door to the registers is built.
//!
//! What will live here: the X-Road REST message protocol (r1) and its Ukrainian profile (Trembita, UXP); one adapter for
//! each register; purpose and legal ground of every question, without which none is asked; the record of each answer.
//! It will never import `exchange`, nor `exchange` it: the two businesses meet only in the gateway's wiring.
