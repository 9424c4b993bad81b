//! Rows with texts that may be long: short texts come at once, long ones once there is room.
//!
//! A list of fifty messages is 25 KB or 500 MB, and only the database knows which. So a statement
//! asks for the size of each row, and for its long texts only where they are short; those are
//! reserved beforehand. For the rest their size is reserved, and then they are read by their ids.

use std::collections::HashMap;

use sqlx::Pool;
use uuid::Uuid;

use super::super::{Error, Keyset, Part};
use super::fields::{Columns, Fields};
use super::lease::Lease;
use super::statement::{Condition, Statement, Value};
use super::{Dialect, Fetched};
use crate::budget::Reservation;
use crate::config::Limits;

/// A kind of row, and how it is read.
pub(in crate::storage) struct Kind<DB: Dialect, T> {
    pub(in crate::storage) table: &'static str,
    /// Every column.
    pub(in crate::storage) columns: &'static str,
    /// The same by [`short_columns`].
    pub(in crate::storage) short: &'static str,
    pub(in crate::storage) decode: fn(&DB::Row) -> Result<T, Error>,
    /// Where a row stands in a list: its time and id.
    pub(in crate::storage) place: fn(&T) -> Keyset,
}

/// The columns of a row with the texts in `long` left out where they have more than
/// [`Limits::SHORT_ROW_BYTES`] together, and with `row_bytes`, the size of these texts.
pub(super) fn short_columns(columns: &str, long: &[&str]) -> String {
    let sizes = long
        .iter()
        .map(|text| format!("coalesce(octet_length(cast({text} as text)), 0)"));
    let size = sizes.collect::<Vec<_>>().join(" + ");
    let most = Limits::SHORT_ROW_BYTES;
    let column = |name: &str| {
        if long.contains(&name) {
            format!("case when {size} <= {most} then {name} end as {name}")
        } else {
            name.to_owned()
        }
    };
    let columns: Vec<_> = columns
        .split(", ")
        .map(|name| column(name.trim()))
        .collect();
    format!("{}, {size} as row_bytes", columns.join(", "))
}

/// What so many rows take whose long texts are left out.
pub(super) fn short_rows_bytes(rows: usize) -> usize {
    rows * (Limits::SHORT_ROW_BYTES + Limits::ROW_OVERHEAD_BYTES)
}

/// Rows in full.
pub(super) struct Resolved<T> {
    pub(super) items: Vec<T>,
    /// Whether the last ones are missing, because an answer holds no more.
    pub(super) is_cut: bool,
}

impl<DB: Dialect, T> Kind<DB, T> {
    /// The rows for which these conditions hold, in this order. They are counted first.
    pub(super) async fn with(
        &self,
        pool: &Pool<DB>,
        conditions: &[Condition],
        order: &'static str,
        reservation: &Reservation,
    ) -> Result<Vec<T>, Error> {
        let mut count = Statement::new("select count(*) as total from ", []);
        count.push(self.table, []).push_where(conditions);
        let rows = Lease::of(pool).await?.fetch(count).await?;
        let total = |row| Fields::of(self.table, row).number("total");
        let most = rows.first().map_or(Ok(0), total)?;
        self.read(pool, most, conditions, order, reservation).await
    }

    /// The rows with these ids, in no order; unknown ones are left out.
    pub(super) async fn with_ids(
        &self,
        pool: &Pool<DB>,
        ids: Vec<Uuid>,
        reservation: &Reservation,
    ) -> Result<Vec<T>, Error> {
        let most = ids.len();
        let conditions = [Condition::new("id in ?", [Value::Ids(ids)])];
        self.read(pool, most, &conditions, "", reservation).await
    }

    async fn read(
        &self,
        pool: &Pool<DB>,
        most: usize,
        conditions: &[Condition],
        order: &'static str,
        reservation: &Reservation,
    ) -> Result<Vec<T>, Error> {
        if most == 0 {
            return Ok(Vec::new());
        }
        reservation.take(short_rows_bytes(most)).await?;
        let mut statement = Statement::new("select ", []);
        statement.push(self.short, []).push(" from ", []);
        statement.push(self.table, []).push_where(conditions);
        statement.push(order, []);
        let rows = Lease::of(pool).await?.fetch_bounded(statement).await?;
        let unused = short_rows_bytes(most.saturating_sub(rows.len()));
        reservation.keep(reservation.bytes() - unused);
        match self.resolve(pool, &rows, reservation).await? {
            Resolved { is_cut: true, .. } => Err(Error::TooMuch),
            Resolved { items, .. } => Ok(items),
        }
    }

    /// Rows that were read by their short columns, in full. What they take is reserved before the
    /// long texts are read.
    pub(super) async fn resolve(
        &self,
        pool: &Pool<DB>,
        rows: &[DB::Row],
        reservation: &Reservation,
    ) -> Result<Resolved<T>, Error> {
        let mut fitting = 0;
        let mut room = Limits::ANSWER_MAX_BYTES;
        let mut long = Vec::new();
        let mut long_bytes = 0;
        for row in rows {
            let row = Fields::of(self.table, row);
            let bytes: usize = row.maybe_number("row_bytes")?.unwrap_or(0);
            if bytes > room && fitting > 0 {
                break;
            }
            room = room.saturating_sub(bytes);
            fitting += 1;
            if bytes > Limits::SHORT_ROW_BYTES {
                long.push(row.id("id")?);
                long_bytes += bytes;
            }
        }
        let mut full = self.full(pool, long, long_bytes, reservation).await?;
        let mut items = Vec::with_capacity(fitting);
        for row in &rows[..fitting] {
            let id = Fields::of(self.table, row).id("id")?;
            let bytes: Option<usize> = Fields::of(self.table, row).maybe_number("row_bytes")?;
            match full.remove(&id) {
                Some(item) => items.push(item),
                None if bytes.unwrap_or(0) > Limits::SHORT_ROW_BYTES => {} // gone since
                None => items.push((self.decode)(row)?),
            }
        }
        let is_cut = fitting < rows.len();
        Ok(Resolved { items, is_cut })
    }

    /// Long rows by their ids. The driver's rows and ours are there at the same time, then ours.
    async fn full(
        &self,
        pool: &Pool<DB>,
        ids: Vec<Uuid>,
        bytes: usize,
        reservation: &Reservation,
    ) -> Result<HashMap<Uuid, T>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        reservation.take(2 * bytes).await?;
        let mut statement = Statement::new("select ", []);
        statement.push(self.columns, []).push(" from ", []);
        statement
            .push(self.table, [])
            .push(" where id in ?", [Value::Ids(ids)]);
        let fetched = Lease::of(pool).await?.fetch_some(statement).await?;
        let Fetched { rows, .. } = fetched;
        let mut full = HashMap::with_capacity(rows.len());
        for row in rows {
            let item = (self.decode)(&row)?;
            full.insert((self.place)(&item).id, item);
        }
        reservation.keep(reservation.bytes() - bytes);
        Ok(full)
    }
}

/// How far the next part of an ordered table goes, and what it takes.
pub(super) struct Measured {
    /// The number of its last row.
    pub(super) last: u64,
    /// What its rows take.
    pub(super) kept: usize,
    /// What their texts take once more while the driver has them, too.
    pub(super) bytes: usize,
}

impl Measured {
    /// From the size in `bytes` of each row in order; `None` if there are none.
    pub(super) fn of(
        table: &'static str,
        number: &'static str,
        sizes: &[impl Columns],
        part: Part,
    ) -> Result<Option<Self>, Error> {
        let mut measured = None;
        let mut bytes = 0;
        for (before, size) in sizes.iter().enumerate() {
            let size = Fields::of(table, size);
            bytes += size.number::<usize>("bytes")?;
            if before > 0 && bytes > part.max_bytes {
                break;
            }
            measured = Some(Self {
                last: size.number(number)?,
                kept: bytes + (before + 1) * Limits::ROW_OVERHEAD_BYTES,
                bytes,
            });
        }
        Ok(measured)
    }
}
