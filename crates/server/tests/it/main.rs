//! The HTTP side over real sockets, with a store of its own for every test.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod bodies;
mod certificate;
mod endpoint;
mod limits;
mod log;
mod messages;
mod routes;
mod shutdown;
mod support;
mod tls;
mod transport;
