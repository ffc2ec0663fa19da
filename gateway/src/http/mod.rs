//! Routes of the public API and of the operator port, problem+json, TLS accept loop.
