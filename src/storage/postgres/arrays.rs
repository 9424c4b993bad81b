//! Rows turned into columns: one array for each, as `unnest` takes them.

use sqlx::postgres::{PgArguments, Postgres};
use sqlx::{Arguments, Encode, Type};

use super::super::Error;

/// The arguments of a statement that reads its rows from arrays.
#[derive(Default)]
pub(super) struct Arrays(PgArguments);

impl Arrays {
    /// Adds one array: what `field` says of each row.
    pub(super) fn add<'r, R, V>(
        &mut self,
        rows: &'r [R],
        field: impl FnMut(&'r R) -> V,
    ) -> Result<(), Error>
    where
        Vec<V>: Encode<'r, Postgres> + Type<Postgres>,
    {
        let array: Vec<V> = rows.iter().map(field).collect();
        self.0.add(array).map_err(sqlx::Error::Encode)?;
        Ok(())
    }

    /// All of them.
    pub(super) fn into_arguments(self) -> PgArguments {
        self.0
    }
}
