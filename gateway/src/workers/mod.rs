//! Workers: delivery, log rounds, sweeping, expiry.
