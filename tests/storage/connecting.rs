//! Which database a URL means.

use synod::storage::{Database, connect};

#[test]
fn urls_say_which_database() {
    let sqlite = |path: &str| Ok(Database::Sqlite(path.into()));
    assert_eq!(Database::parse("sqlite:synod.db"), sqlite("synod.db"));
    assert_eq!(
        Database::parse("sqlite://data/synod.db"),
        sqlite("data/synod.db")
    );
    assert_eq!(
        Database::parse("sqlite:///var/synod.db"),
        sqlite("/var/synod.db")
    );
    for url in [
        "postgres://me:secret@host:5432/synod",
        "postgresql://host/synod",
    ] {
        assert_eq!(Database::parse(url), Ok(Database::Postgres(url.to_owned())));
    }
}

#[test]
fn a_wrong_url_is_told_the_right_forms_and_not_repeated() {
    for url in [
        "",
        "synod.db",
        "mysql://host/db",
        "sqlite:",
        "sqlite::memory:",
        "sqlite:a?mode=ro",
        "postgres://h:secret",
    ] {
        let error = Database::parse(url).expect_err(url).to_string();
        assert!(
            error.contains("postgres://") && error.contains("sqlite://"),
            "{error}"
        );
        assert!(!error.contains("secret"), "{error}");
    }
    let known = Database::parse("postgres://me:secret@host/synod").unwrap();
    assert!(!format!("{known:?}").contains("secret"));
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_unavailable() {
    let nowhere = [
        Database::Postgres("postgres://nobody@127.0.0.1:1/none".to_owned()),
        Database::Sqlite("/nowhere/at/all/synod.db".into()),
    ];
    for database in nowhere {
        let answer = connect(&database, 1).await;
        assert!(
            answer.is_err_and(|error| error.is_transient()),
            "{database:?}"
        );
    }
}
