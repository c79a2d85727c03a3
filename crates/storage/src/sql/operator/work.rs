//! One change of an organization: what it is about, and how a row is written or taken away.

use crate::error::StorageError;
use crate::rows::Rows;
use crate::sql_types::DbUuid;
use crate::stored::Stored;

/// An organization whose entry changes, with its rows as they were; `None` for one that is new.
pub(super) struct Work<'a> {
    pub(super) org: DbUuid,
    pub(super) stored: Option<&'a mut Stored>,
}

impl Work<'_> {
    pub(super) fn rows(&self) -> Option<&Rows> {
        self.stored.as_deref().map(|stored| &stored.rows)
    }
}

/// Writes one row: the one with this id where there is one, else a new one.
macro_rules! put {
    ($operator:expr, $table:ident, $org:expr, $row:expr, $new_id:expr, $values:expr) => {{
        let (org, values) = ($org, $values);
        let written = match $row {
            Some(id) => {
                let own =
                    $table::table.filter($table::organization_id.eq(org)).filter($table::id.eq(DbUuid(id)));
                $operator.tx.execute(diesel::update(own).set(values)).await
            }
            None => {
                let new = ($table::organization_id.eq(org), $table::id.eq(DbUuid($new_id)), values);
                $operator.tx.execute(diesel::insert_into($table::table).values(new)).await
            }
        };
        one_row(stringify!($table), written)
    }};
}
pub(super) use put;

/// Takes rows away.
macro_rules! remove {
    ($operator:expr, $table:ident, $org:expr, $($condition:expr)?) => {{
        let own = $table::table.filter($table::organization_id.eq($org))$(.filter($condition))?;
        $operator.tx.execute(diesel::delete(own)).await.map(|_| ())
    }};
}
pub(super) use remove;

/// Exactly one row was to be written; a row that somebody took away meanwhile is not passed over.
pub(super) fn one_row(table: &'static str, written: Result<usize, StorageError>) -> Result<(), StorageError> {
    match written? {
        1 => Ok(()),
        _ => Err(StorageError::Conflict { reason: format!("a row of {table} is gone: plan again") }),
    }
}
