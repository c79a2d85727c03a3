#![doc = include_str!("../README.md")]

mod check;
mod checker;
mod credential;
mod error;
mod file;
mod knowledge;
mod model;
mod numbers;
mod plan;
mod source;

pub use error::{ManifestError, Problem};
pub use model::Manifest;
pub use plan::{Action, Change, Edit, Kept, Plan, PlanError, plan};
pub use source::{Source, Vars};

/// Namespace in which ids of organizations are made from their slugs (UUID version 5).
///
/// It never changes: the same slug is the same organization in every deployment.
pub const ORGANIZATION_NAMESPACE: uuid::Uuid = uuid::uuid!("b0a5c2a4-52cf-4a4b-9d6c-5a4a1f0f6f2e");

/// The id of an organization that declares none.
fn organization_id(slug: &str) -> uuid::Uuid {
    uuid::Uuid::new_v5(&ORGANIZATION_NAMESPACE, slug.as_bytes())
}
