//! Rows read field by field, and what the databases' errors mean.

use chrono::{DateTime, Utc};
use sqlx::error::ErrorKind;
use uuid::Uuid;

use super::super::Error;

/// How a database's rows are read; `None` is NULL.
pub(in crate::storage) trait Columns: sqlx::Row {
    /// A UUID.
    fn id(&self, column: &str) -> sqlx::Result<Option<Uuid>>;
    /// A list of UUIDs.
    fn ids(&self, column: &str) -> sqlx::Result<Vec<Uuid>>;
    /// An instant.
    fn time(&self, column: &str) -> sqlx::Result<Option<DateTime<Utc>>>;
    /// Words.
    fn text(&self, column: &str) -> sqlx::Result<Option<String>>;
    /// JSON text as it was written.
    fn json(&self, column: &str) -> sqlx::Result<Option<String>>;
    /// JSON that the database may have written anew.
    fn document(&self, column: &str) -> sqlx::Result<serde_json::Value>;
    /// Raw bytes.
    fn bytes(&self, column: &str) -> sqlx::Result<Vec<u8>>;
    /// Yes or no.
    fn flag(&self, column: &str) -> sqlx::Result<Option<bool>>;
    /// A whole number of any width.
    fn number(&self, column: &str) -> sqlx::Result<Option<i64>>;
    /// How many bytes the row's texts have together.
    fn bytes_of_all(&self) -> usize;
}

/// One row of a table, read in our own words.
pub(in crate::storage) struct Fields<'r, R> {
    table: &'static str,
    row: &'r R,
}

impl<'r, R: Columns> Fields<'r, R> {
    /// A row of `table`, which errors will name.
    pub(in crate::storage) fn of(table: &'static str, row: &'r R) -> Self {
        Self { table, row }
    }

    pub(in crate::storage) fn id(&self, column: &str) -> Result<Uuid, Error> {
        self.present(column, self.row.id(column))
    }

    pub(in crate::storage) fn maybe_id(&self, column: &str) -> Result<Option<Uuid>, Error> {
        self.read(self.row.id(column))
    }

    pub(in crate::storage) fn ids(&self, column: &str) -> Result<Vec<Uuid>, Error> {
        self.read(self.row.ids(column))
    }

    pub(in crate::storage) fn time(&self, column: &str) -> Result<DateTime<Utc>, Error> {
        self.present(column, self.row.time(column))
    }

    pub(in crate::storage) fn maybe_time(
        &self,
        column: &str,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        self.read(self.row.time(column))
    }

    pub(in crate::storage) fn text(&self, column: &str) -> Result<String, Error> {
        self.present(column, self.row.text(column))
    }

    pub(in crate::storage) fn maybe_text(&self, column: &str) -> Result<Option<String>, Error> {
        self.read(self.row.text(column))
    }

    pub(in crate::storage) fn json(&self, column: &str) -> Result<String, Error> {
        self.present(column, self.row.json(column))
    }

    pub(in crate::storage) fn maybe_json(&self, column: &str) -> Result<Option<String>, Error> {
        self.read(self.row.json(column))
    }

    pub(in crate::storage) fn document(&self, column: &str) -> Result<String, Error> {
        Ok(self.read(self.row.document(column))?.to_string())
    }

    pub(in crate::storage) fn bytes(&self, column: &str) -> Result<Vec<u8>, Error> {
        self.read(self.row.bytes(column))
    }

    pub(in crate::storage) fn flag(&self, column: &str) -> Result<bool, Error> {
        self.present(column, self.row.flag(column))
    }

    /// A number of the width that the receiver wants.
    pub(in crate::storage) fn number<N: TryFrom<i64>>(&self, column: &str) -> Result<N, Error> {
        let number = self.present(column, self.row.number(column))?;
        N::try_from(number).map_err(|_| self.damaged(format!("{column} is {number}")))
    }

    pub(in crate::storage) fn maybe_number<N: TryFrom<i64>>(
        &self,
        column: &str,
    ) -> Result<Option<N>, Error> {
        match self.read(self.row.number(column))? {
            None => Ok(None),
            Some(_) => self.number(column).map(Some),
        }
    }

    /// One of a set of stable words.
    pub(in crate::storage) fn word<T>(
        &self,
        column: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let word = self.text(column)?;
        parse(&word).ok_or_else(|| self.damaged(format!("{column} is {word:?}")))
    }

    pub(in crate::storage) fn maybe_word<T>(
        &self,
        column: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        match self.maybe_text(column)? {
            None => Ok(None),
            Some(_) => self.word(column, parse).map(Some),
        }
    }

    fn present<T>(&self, column: &str, value: sqlx::Result<Option<T>>) -> Result<T, Error> {
        self.read(value)?
            .ok_or_else(|| self.damaged(format!("{column} is null")))
    }

    fn read<T>(&self, value: sqlx::Result<T>) -> Result<T, Error> {
        value.map_err(|error| self.damaged(error.to_string()))
    }

    fn damaged(&self, why: String) -> Error {
        Error::Damaged {
            table: self.table,
            why,
        }
    }
}

/// The time so many microseconds after 1970, if there is one.
pub(in crate::storage) fn time(column: &str, micros: Option<i64>) -> sqlx::Result<DateTime<Utc>> {
    micros
        .and_then(DateTime::from_timestamp_micros)
        .ok_or_else(|| damaged(column, "no such time"))
}

/// What a column holds is not what it should.
pub(in crate::storage) fn damaged(
    column: &str,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: why.into(),
    }
}

/// Whose fault an error is. What a database refuses because of the data will be refused again; everything else
/// may pass: connections, time limits, deadlocks, a standby, a schema not yet migrated.
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refusal) if is_about_data(refusal.as_ref()) => Self::Damaged {
                table: "what was to be written",
                why: refusal.to_string(),
            },
            sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
                Self::Damaged {
                    table: "a statement",
                    why: error.to_string(),
                }
            }
            _ => Self::Unavailable(Box::new(error)),
        }
    }
}

fn is_about_data(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    /// SQLSTATE class of data exceptions: too long, out of range, not valid JSON, a NUL in a text.
    const DATA_EXCEPTION: &str = "22";
    /// SQLSTATE of what a check refuses. If the check has no name, it is a part of the log that refuses a row whose month was made
    /// while the row waited: asked again, the row goes there.
    const CHECK_VIOLATION: &str = "23514";
    let is_exception = refusal
        .code()
        .is_some_and(|code| code.len() == 5 && code.starts_with(DATA_EXCEPTION));
    let is_misplaced = refusal.code().is_some_and(|code| code == CHECK_VIOLATION)
        && refusal.constraint().is_none();
    is_exception || !is_misplaced && !matches!(refusal.kind(), ErrorKind::Other)
}

/// As [`Error::from`], where a row that is there already is `what`.
pub(in crate::storage) fn existing(what: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |error| match error.as_database_error() {
        Some(refusal) if refusal.is_unique_violation() => Error::AlreadyExists(what),
        _ => error.into(),
    }
}
