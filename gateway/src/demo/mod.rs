//! A throw-away world to run a node in, and the story that is played in it.
//!
//! It owns what `vuzol demo` needs and what tests and the load generator borrow: [`services`] (OCSP responder, CRL and
//! time-stamp authority on a loopback port), [`site`] (a complete folder of keys, anchors and configuration) and [`story`].
//! Every key in it is made when it runs and is worth nothing. No service of the node knows of this module.

pub mod inquiry;
pub mod parties;
pub mod pdf;
pub mod screen;
pub mod services;
pub mod site;
pub mod story;
