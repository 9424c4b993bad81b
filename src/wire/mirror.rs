//! Adapters for `#[serde(with = "…")]`: a value of the domain goes out and comes in as its JSON mirror.

use std::fmt::Display;
use std::marker::PhantomData;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One value as its mirror `M`.
pub(super) struct One<M>(PhantomData<M>);

/// An optional value as its mirror `M`, or null.
pub(super) struct Maybe<M>(PhantomData<M>);

/// A list of values as their mirrors `M`.
pub(super) struct Each<M>(PhantomData<M>);

impl<M> One<M> {
    pub(super) fn serialize<T, S>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
    where
        M: for<'a> From<&'a T> + Serialize,
        S: Serializer,
    {
        M::from(value).serialize(serializer)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        M: TryInto<T, Error: Display> + Deserialize<'de>,
        D: Deserializer<'de>,
    {
        M::deserialize(deserializer)?
            .try_into()
            .map_err(D::Error::custom)
    }
}

impl<M> Maybe<M> {
    #[expect(
        clippy::ref_option,
        reason = "serde hands over a reference to the field"
    )]
    pub(super) fn serialize<T, S>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error>
    where
        M: for<'a> From<&'a T> + Serialize,
        S: Serializer,
    {
        value.as_ref().map(M::from).serialize(serializer)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        M: TryInto<T, Error: Display> + Deserialize<'de>,
        D: Deserializer<'de>,
    {
        let mirror = Option::<M>::deserialize(deserializer)?;
        mirror
            .map(TryInto::try_into)
            .transpose()
            .map_err(D::Error::custom)
    }
}

impl<M> Each<M> {
    pub(super) fn serialize<T, S>(values: &[T], serializer: S) -> Result<S::Ok, S::Error>
    where
        M: for<'a> From<&'a T> + Serialize,
        S: Serializer,
    {
        serializer.collect_seq(values.iter().map(M::from))
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        M: TryInto<T, Error: Display> + Deserialize<'de>,
        D: Deserializer<'de>,
    {
        let mirrors = Vec::<M>::deserialize(deserializer)?;
        mirrors
            .into_iter()
            .map(|mirror| mirror.try_into().map_err(D::Error::custom))
            .collect()
    }
}
