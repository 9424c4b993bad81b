//! What tests stand on: databases, servers, agents, and a checker that compares what all of them say.

pub(crate) mod agent;
pub(crate) mod checker;
pub(crate) mod cluster;
pub(crate) mod database;
pub(crate) mod log;
pub(crate) mod patience;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod quarrel;
pub(crate) mod raw;
pub(crate) mod server;
pub(crate) mod slow;
pub(crate) mod talk;

/// Runs each of these behaviours once on PostgreSQL and once on SQLite. A behaviour is an async
/// function of the database it is given.
macro_rules! on_each_database {
    ($($behaviour:ident),+ $(,)?) => {
        mod on_postgres {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    super::$behaviour(crate::support::database::Fresh::postgres().await).await;
                }
            )+
        }

        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    super::$behaviour(crate::support::database::Fresh::sqlite().await).await;
                }
            )+
        }
    };
}
pub(crate) use on_each_database;
