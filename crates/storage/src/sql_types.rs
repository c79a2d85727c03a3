//! Column types that read and write the same Rust values on both databases.
//!
//! PostgreSQL has types of its own for ids, instants, documents and lists. On SQLite they are text, in forms that
//! sort and compare like the values.

use std::io::Write;

use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Array, SqlType, Text};
use diesel::sqlite::{Sqlite, SqliteValue};
use org_resolver::OrgId;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// `uuid`; on SQLite lower-case text with hyphens.
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Text"))]
pub struct SqlUuid;

/// `timestamptz`; on SQLite `YYYY-MM-DDTHH:MM:SS.ffffffZ`. The beginning of time is [`DateTime::MIN_UTC`].
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Text"))]
pub struct SqlTime;

/// `jsonb`; on SQLite text.
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(postgres_type(oid = 3802, array_oid = 3807), sqlite_type(name = "Text"))]
pub struct SqlJson;

/// `text[]`; on SQLite a JSON array.
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(postgres_type(oid = 1009, array_oid = 0), sqlite_type(name = "Text"))]
pub struct SqlTextList;

/// Has a newtype stand in a column as what it holds.
macro_rules! column {
    ($newtype:ty: $sql_type:ty = $held:ty) => {
        impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<$sql_type, DB> for $newtype
        where
            $held: diesel::deserialize::FromSql<$sql_type, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                <$held as diesel::deserialize::FromSql<$sql_type, DB>>::from_sql(value).map(Self)
            }
        }

        impl<DB: diesel::backend::Backend> diesel::serialize::ToSql<$sql_type, DB> for $newtype
        where
            $held: diesel::serialize::ToSql<$sql_type, DB>,
        {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, DB>,
            ) -> diesel::serialize::Result {
                diesel::serialize::ToSql::<$sql_type, DB>::to_sql(&self.0, out)
            }
        }
    };
}
pub(crate) use column;

// Values of other crates are read as they are; as parts of a statement they need a type of ours around them.

/// A UUID in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlUuid)]
pub struct DbUuid(pub(crate) Uuid);
column!(DbUuid: SqlUuid = Uuid);

impl From<DbUuid> for OrgId {
    fn from(id: DbUuid) -> Self {
        Self::new(id.0)
    }
}

/// An instant in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlTime)]
pub(crate) struct DbTime(pub(crate) DateTime<Utc>);
column!(DbTime: SqlTime = DateTime<Utc>);

/// A document in a statement.
#[derive(Clone, Debug, PartialEq, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlJson)]
pub(crate) struct DbJson(pub(crate) Value);
column!(DbJson: SqlJson = Value);

/// A list of texts in a column.
#[derive(Clone, Debug, PartialEq, Eq, AsExpression, FromSqlRow, Deserialize)]
#[diesel(sql_type = SqlTextList)]
pub(crate) struct DbTextList(pub(crate) Vec<String>);

/// How SQLite's side writes the beginning of time; it sorts before every other instant.
const BEGINNING: &str = "0000-01-01T00:00:00.000000Z";

impl ToSql<SqlUuid, Pg> for Uuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<SqlUuid, Pg> for Uuid {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::from_slice(value.as_bytes())?)
    }
}

impl ToSql<SqlUuid, Sqlite> for Uuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.hyphenated().to_string());
        Ok(IsNull::No)
    }
}

impl FromSql<SqlUuid, Sqlite> for Uuid {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self::parse_str(&text(value)?)?)
    }
}

/// Where PostgreSQL's instants count from, in microseconds of the Unix epoch: 2000-01-01T00:00:00Z.
const PG_EPOCH_US: i64 = 946_684_800_000_000;

impl ToSql<SqlTime, Pg> for DateTime<Utc> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = if *self == Self::MIN_UTC {
            i64::MIN
        } else {
            self.timestamp_micros().checked_sub(PG_EPOCH_US).ok_or("the instant is out of range")?
        };
        out.write_all(&micros.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<SqlTime, Pg> for DateTime<Utc> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let micros = i64::from_be_bytes(value.as_bytes().try_into()?);
        Ok(match micros {
            i64::MIN => Self::MIN_UTC,
            i64::MAX => Self::MAX_UTC,
            _ => micros
                .checked_add(PG_EPOCH_US)
                .and_then(DateTime::from_timestamp_micros)
                .ok_or("the instant is out of range")?,
        })
    }
}

impl ToSql<SqlTime, Sqlite> for DateTime<Utc> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(if *self == Self::MIN_UTC {
            BEGINNING.to_owned()
        } else {
            self.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
        });
        Ok(IsNull::No)
    }
}

impl FromSql<SqlTime, Sqlite> for DateTime<Utc> {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = text(value)?;
        if text == BEGINNING {
            return Ok(Self::MIN_UTC);
        }
        Ok(DateTime::parse_from_rfc3339(&text)?.with_timezone(&Utc))
    }
}

impl ToSql<SqlJson, Pg> for Value {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        // The version of jsonb's wire format.
        out.write_all(&[1])?;
        serde_json::to_writer(out, self)?;
        Ok(IsNull::No)
    }
}

impl FromSql<SqlJson, Pg> for Value {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes().split_first() {
            Some((1, document)) => Ok(serde_json::from_slice(document)?),
            _ => Err("an unknown version of jsonb".into()),
        }
    }
}

impl ToSql<SqlJson, Sqlite> for Value {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(serde_json::to_string(self)?);
        Ok(IsNull::No)
    }
}

impl FromSql<SqlJson, Sqlite> for Value {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(serde_json::from_str(&text(value)?)?)
    }
}

impl ToSql<SqlTextList, Pg> for DbTextList {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Array<Text>, Pg>::to_sql(&self.0, out)
    }
}

impl FromSql<SqlTextList, Pg> for DbTextList {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Array<Text>, Pg>::from_sql(value).map(Self)
    }
}

impl ToSql<SqlTextList, Sqlite> for DbTextList {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(serde_json::to_string(&self.0)?);
        Ok(IsNull::No)
    }
}

impl FromSql<SqlTextList, Sqlite> for DbTextList {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_str(&text(value)?)?))
    }
}

fn text(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<String> {
    FromSql::<Text, Sqlite>::from_sql(value)
}
