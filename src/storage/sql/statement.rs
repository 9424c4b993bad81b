//! SQL with its values: one text for both databases.

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::Dialect;
use super::search::{Many, Search};

/// What can stand for a `?`.
#[derive(Clone, Debug)]
pub(in crate::storage) enum Value {
    /// A UUID.
    Id(Option<Uuid>),
    /// Many UUIDs, as a list to stand behind `in`.
    Ids(Vec<Uuid>),
    /// An instant.
    Time(Option<DateTime<Utc>>),
    /// Words.
    Text(Option<String>),
    /// JSON text, kept as it is.
    Json(Option<String>),
    /// A whole number.
    Number(Option<i64>),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// Words to be searched by, with a blank between two.
    Words(String),
}

macro_rules! value_from {
    ($($type:ty => $variant:ident),+ $(,)?) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(Some(value))
            }
        }

        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value)
            }
        }
    )+};
}

value_from! {
    Uuid => Id,
    DateTime<Utc> => Time,
    String => Text,
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Number(Some(bigint(value)))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Number(Some(value.into()))
    }
}

/// The databases' whole numbers have a sign; ours never reach it.
pub(in crate::storage) fn bigint(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A condition for a WHERE, with a `?` for each of its values.
#[derive(Clone, Debug)]
pub(in crate::storage) struct Condition {
    sql: &'static str,
    laid: Option<&'static str>,
    many: Option<Many>,
    values: Vec<Value>,
}

impl Condition {
    /// A condition with one value for each `?`.
    pub(in crate::storage) fn new<const N: usize>(sql: &'static str, values: [Value; N]) -> Self {
        Self {
            sql,
            laid: None,
            many: None,
            values: values.into(),
        }
    }

    /// The condition that a row has words.
    pub(in crate::storage) fn of_words(search: Search, words: Value) -> Self {
        let many = search.many;
        Self {
            many,
            ..Self::new(search.has, [words])
        }
    }

    /// How many rows have the words, counted no further than to `most`; `None` where this is about no words, or the database
    /// does not care how many.
    pub(in crate::storage) fn counted<DB: Dialect>(&self, most: u64) -> Option<Statement<DB>> {
        let mut statement = Statement::new("", []);
        let values = self.values.iter().cloned();
        statement.push(self.many?.counted, values.chain([most.into()]));
        Some(statement)
    }

    /// Whether this is about words.
    pub(in crate::storage) fn is_of_words(&self) -> bool {
        self.many.is_some()
    }

    /// The same condition where many rows have the words.
    pub(in crate::storage) fn passed(&self) -> Self {
        let passed = self.many.map(|many| many.passed);
        Self {
            sql: passed.unwrap_or(self.sql),
            ..self.clone()
        }
    }

    /// The same condition for rows whose numbers lie between these two; `None` where rows have no numbers.
    pub(in crate::storage) fn near(&self, least: u64, most: u64) -> Option<Self> {
        let mut near = self.clone();
        near.sql = self.many?.near?;
        near.values.extend([least.into(), most.into()]);
        Some(near)
    }

    /// The same condition as the index has it in which several are laid over each other; `?` stands for the same values.
    pub(in crate::storage) fn laid_as(mut self, sql: &'static str) -> Self {
        self.laid = Some(sql);
        self
    }

    /// Whether the index has it in which several are laid over each other.
    pub(in crate::storage) fn can_be_laid(&self) -> bool {
        self.laid.is_some()
    }

    /// Whether no other index has it.
    pub(in crate::storage) fn must_be_laid(&self) -> bool {
        self.laid == Some(self.sql)
    }

    /// The condition as that index has it.
    pub(in crate::storage) fn laid(&self) -> Self {
        let mut condition = self.clone();
        condition.sql = self.laid.unwrap_or(self.sql);
        condition
    }
}

/// A statement on its way to a database.
pub(in crate::storage) struct Statement<DB: Dialect> {
    query: QueryBuilder<DB>,
    cached: bool,
}

impl<DB: Dialect> Statement<DB> {
    /// A statement with one value for each `?`.
    pub(in crate::storage) fn new<const N: usize>(sql: &'static str, values: [Value; N]) -> Self {
        let mut statement = Self {
            query: QueryBuilder::new(""),
            cached: true,
        };
        statement.push(sql, values);
        statement
    }

    /// A statement whose plan is made for its values, each time anew: which index is best depends on who is asked for, so one
    /// plan for all would be right for few.
    pub(in crate::storage) fn for_its_values(sql: &'static str) -> Self {
        let mut statement = Self::new(sql, []);
        statement.cached = false;
        statement
    }

    /// A statement in the database's own words, with its arguments.
    pub(in crate::storage) fn native(sql: &'static str, arguments: DB::Arguments) -> Self
    where
        DB::Arguments: sqlx::IntoArguments<DB>,
    {
        Self {
            query: QueryBuilder::with_arguments(sql, arguments),
            cached: true,
        }
    }

    /// Goes on with more SQL, with one value for each `?` in it.
    pub(in crate::storage) fn push(
        &mut self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value>,
    ) -> &mut Self {
        let mut values = values.into_iter();
        let mut parts = sql.split('?');
        self.query.push(parts.next().unwrap_or_default());
        for part in parts {
            let value = values.next();
            debug_assert!(value.is_some(), "a value is missing in: {sql}");
            if let Some(value) = value {
                DB::bind(&mut self.query, value);
            }
            self.query.push(part);
        }
        debug_assert!(values.next().is_none(), "a value is left over in: {sql}");
        self
    }

    /// Goes on with `where … and …`, or with nothing where there are no conditions.
    pub(in crate::storage) fn push_where(&mut self, conditions: &[Condition]) -> &mut Self {
        let mut word = " where ";
        for condition in conditions {
            self.push(word, []);
            self.push(condition.sql, condition.values.iter().cloned());
            word = " and ";
        }
        self
    }

    /// Goes on with a name or a literal, which cannot be a value where a table is defined: quoted by `quote`, and not kept prepared.
    pub(in crate::storage) fn push_quoted(&mut self, text: &str, quote: char) -> &mut Self {
        self.cached = false;
        let doubled = text.replace(quote, &format!("{quote}{quote}"));
        self.query.push(format_args!("{quote}{doubled}{quote}"));
        self
    }

    /// Goes on with rows of values, `(…), (…)`. How many there are changes the text, so it is not kept prepared.
    pub(in crate::storage) fn push_rows<const N: usize>(
        &mut self,
        rows: impl IntoIterator<Item = [Value; N]>,
    ) -> &mut Self {
        self.cached = false;
        let mut before = "(";
        for row in rows {
            for value in row {
                self.push(before, []);
                DB::bind(&mut self.query, value);
                before = ", ";
            }
            before = "), (";
        }
        self.push(")", [])
    }

    pub(in crate::storage) fn into_parts(self) -> (QueryBuilder<DB>, bool) {
        (self.query, self.cached)
    }
}
