//! Numbers from outside.

mod phone;
