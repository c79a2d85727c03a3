#![doc = include_str!("../README.md")]

mod address;
mod app;
mod body;
mod clock;
mod error;
mod handlers;
mod health;
mod log_line;
mod options;
mod routes;
mod state;
pub mod telemetry;
mod tls;

pub use app::{Gateway, ServeError};
pub use clock::SystemClock;
pub use intake::Clock;
pub use options::{ServerOptions, TlsFiles};
pub use routes::{Access, Method, ROUTES, Route};
