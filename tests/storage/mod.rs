//! What every store promises, asked of PostgreSQL, SQLite and memory alike.
//!
//! Each behaviour is written once, as a function of a [`Fresh`](crate::support::database::Fresh) store;
//! [`on_every_store!`] makes a test of it for each. Where a promise is the database's own, it is asked in SQL.

#![expect(
    clippy::unwrap_used,
    reason = "a store that does not answer has failed the test"
)]

/// Makes three tests of each behaviour named.
macro_rules! on_every_store {
    ($($behaviour:ident),+ $(,)?) => {
        mod postgres {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(&crate::support::database::Fresh::postgres().await).await;
            })+
        }

        mod sqlite {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(&crate::support::database::Fresh::sqlite().await).await;
            })+
        }

        mod memory {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(&crate::support::database::Fresh::memory()).await;
            })+
        }
    };
}

mod agents;
mod appends;
mod bounds;
mod communications;
mod connecting;
mod decisions;
mod faults;
mod fixtures;
mod frequent_words;
mod keys;
mod links;
mod lists;
mod load;
mod mail;
mod meetings;
mod migrations;
mod pages;
mod plans;
mod postgres;
mod sameness;
mod search;
mod slow_statements;
mod upkeep;
