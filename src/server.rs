//! The composition root: makes every part, joins them, runs them, and takes them down in order.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::TimeDelta;
use ractor::rpc::CallResult;
use ractor::{Actor, ActorRef};
use tokio::fs;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::actors::analyst::Analyst;
use crate::actors::audience::Audience;
use crate::actors::connection::Context;
use crate::actors::directory::Directory;
use crate::actors::permit::Permits;
use crate::actors::persistence::{Health, Persistence};
use crate::actors::presence::Presence;
use crate::actors::registry::{self, Registry};
use crate::actors::throttle::Throttle;
use crate::budget::Budget;
use crate::clock::Clock;
use crate::config::{self, Limits};
use crate::storage::connect::{self, Connections, Database};
use crate::storage::{DroppedPart, Store, migrate};
use crate::telemetry::Metrics;
use crate::topics::{Embeddings, Malformed};
use crate::transport::accept::{self, Listener};
use crate::transport::door::Door;
use crate::transport::{Api, Readiness, auth, idempotency};

/// What a server is made of; everything that touches the world comes in from outside.
pub struct Parts {
    /// Where things are kept.
    pub store: Arc<dyn Store>,
    /// Time, ids and chance.
    pub clock: Clock,
    /// Bounds.
    pub limits: Limits,
    /// The operator's token.
    pub admin_token: String,
    /// Browser origins that may connect.
    pub allowed_origins: Vec<String>,
    /// Where agents reach it, if it is not where they ask.
    pub public_url: Option<String>,
    /// Words of near meaning, if it knows any.
    pub embeddings: Option<Arc<Embeddings>>,
    /// What is counted.
    pub metrics: Metrics,
}

/// Runs a server as it is configured, on a listener that is bound already, until `shutdown` ends.
///
/// # Errors
/// If the database cannot be opened or migrated, or the admin token cannot be kept.
pub async fn run<L: Listener>(
    config: config::Server,
    listener: L,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    run_parts(Parts::open(config).await?, listener, shutdown).await
}

impl Parts {
    /// Opens the database that is configured, brings it up to date, and finds the admin token or makes one.
    async fn open(config: config::Server) -> anyhow::Result<Self> {
        let clock = Clock::system();
        let embeddings = match &config.topics_embeddings {
            Some(path) => Some(Arc::new(embeddings(path).await?)),
            None => None,
        };
        let database = database(&config.data).await?;
        if !config.no_migrate {
            migrate::up(&database)
                .await
                .context("the database could not be migrated")?;
        }
        let connections = Connections {
            max: config.data.database_connections_max,
            slow_statement: Limits::ms(config.slow_query_ms),
        };
        let store = connect::connect_with(&database, connections).await?;
        let admin_token = match config.admin_token {
            Some(token) if token.trim().is_empty() => {
                anyhow::bail!(
                    "the admin token is empty: set SYNOD_ADMIN_TOKEN to a long random text, or unset it"
                )
            }
            Some(token) => token,
            None => kept_admin_token(&config.data.data_dir, &clock).await?,
        };
        Ok(Self {
            store,
            clock,
            limits: config.limits,
            admin_token,
            allowed_origins: config.allowed_origins,
            public_url: config.public_url,
            embeddings,
            metrics: Metrics::new(),
        })
    }
}

/// The word embeddings in this file.
async fn embeddings(path: &Path) -> anyhow::Result<Embeddings> {
    let told = || format!("the word embeddings in {} cannot be read", path.display());
    let bytes = fs::metadata(path).await.with_context(told)?.len();
    anyhow::ensure!(
        bytes <= Limits::EMBEDDINGS_MAX_BYTES,
        "{}: it is larger than {} bytes",
        told(),
        Limits::EMBEDDINGS_MAX_BYTES
    );
    let text = fs::read_to_string(path).await.with_context(told)?;
    Embeddings::parse(&text).map_err(|Malformed { line, why }| {
        anyhow::anyhow!("{}: line {line}: {why}", path.display())
    })
}

/// Runs a server of these parts until `shutdown` ends and everything is said.
///
/// # Errors
/// If an actor cannot be started.
pub async fn run_parts<L: Listener>(
    parts: Parts,
    listener: L,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let store = Arc::clone(&parts.store);
    let limits = Arc::new(parts.limits.clone());
    let house = House::build(parts, Arc::clone(&limits)).await?;
    let (api, readiness) = (house.api.clone(), house.api.readiness.clone());
    let upkeep = Upkeep {
        store: Arc::clone(&store),
        clock: house.api.context.clock.clone(),
        retention: limits
            .retention_days
            .map(|days| TimeDelta::days(days.into())),
    };
    upkeep.prepare().await;
    let upkeep = tokio::spawn(upkeep.run());
    let recovery = tokio::spawn(recover(api.clone()));
    let watch = tokio::spawn(watch(api.clone()));
    let sweep = tokio::spawn(api.context.throttle.clone().keep_small());
    let shutdown = async {
        shutdown.await;
        // First of all, so that whoever sends traffic here learns to stop.
        readiness.set(false);
        info!("going down");
    };
    let under_way = accept::serve(listener, Door::new(&api), &limits, shutdown).await;
    recovery.abort();
    watch.abort();
    upkeep.abort();
    sweep.abort();
    let patience = Limits::ms(limits.shutdown_timeout_ms);
    let all_said = async {
        house.drain().await;
        under_way.finish().await;
        house.leave().await;
        store.close().await;
    };
    if timeout(patience, all_said).await.is_err() {
        warn!("not everything was said in time; agents resume from the journal");
    }
    info!("gone");
    Ok(())
}

/// Starts an actor that lives as long as the server.
async fn started<A: Actor<Arguments = ()>>(
    actor: A,
    name: &str,
) -> anyhow::Result<ActorRef<A::Msg>> {
    let (actor, _) = Actor::spawn(None, actor, ())
        .await
        .with_context(|| format!("{name} could not be started"))?;
    Ok(actor)
}

/// The actors that live as long as the server.
struct House {
    api: Api,
    registry: ActorRef<registry::Message>,
}

impl House {
    async fn build(parts: Parts, limits: Arc<Limits>) -> anyhow::Result<Self> {
        let Parts {
            store,
            clock,
            admin_token,
            allowed_origins,
            public_url,
            embeddings,
            metrics,
            ..
        } = parts;
        let health = Health::new(metrics.clone());
        let presence = Presence::default();
        let budget = Budget::new(&limits, metrics.clone());
        let keeper = Persistence {
            store: Arc::clone(&store),
            health: health.clone(),
            presence: presence.clone(),
            clock: clock.clone(),
            budget: budget.clone(),
        };
        let persistence = started(keeper, "persistence").await?;
        let directory = Directory::default();
        let supervisor = Registry {
            store: Arc::clone(&store),
            persistence: persistence.clone(),
            directory: directory.clone(),
            clock: clock.clone(),
            limits: Arc::clone(&limits),
            presence: presence.clone(),
            budget: budget.clone(),
            metrics: metrics.clone(),
        };
        let registry = started(supervisor, "the registry").await?;
        let permits = Permits::new(limits.commands_pending_max, metrics.clone());
        let throttle = Throttle::new(&limits, &clock);
        let analyst = Analyst {
            store: Arc::clone(&store),
            clock: clock.clone(),
            embeddings,
        };
        let analyst = started(analyst, "the analyst").await?;
        let api = Api {
            context: Context {
                store,
                clock,
                permits,
                budget,
                throttle,
                metrics,
                limits,
                persistence: persistence.clone(),
                presence,
                audience: Audience::default(),
            },
            directory,
            registry: registry.clone(),
            persistence,
            health,
            analyst,
            admin: auth::Admin::new(&admin_token),
            allowed_origins: allowed_origins.into(),
            public_url: public_url.map(Into::into),
            keys: idempotency::Keys::default(),
            readiness: Readiness::default(),
        };
        Ok(Self { api, registry })
    }

    /// Lets every meeting finish what is under way and send its agents away.
    async fn drain(&self) {
        self.api.context.presence.begin_to_drain();
        let drained = self.registry.call(registry::Message::Drain, None).await;
        if !matches!(drained, Ok(CallResult::Success(()))) {
            warn!("the registry did not drain");
        }
        self.api.context.presence.drain();
    }

    /// Ends the actors. Nothing waits any more: meetings have drained, requests were answered.
    async fn leave(&self) {
        self.api.analyst.stop(None);
        let _ = self
            .registry
            .stop_and_wait(None, Some(Limits::CALL_TIMEOUT))
            .await;
        let _ = self
            .api
            .persistence
            .drain_and_wait(Some(Limits::CALL_TIMEOUT))
            .await;
    }
}

/// Looks from time to time whether this server still owns its meetings, and whether those who are here still may be.
async fn watch(api: Api) {
    let Context {
        store,
        limits,
        presence,
        ..
    } = &api.context;
    let mut ticks = tokio::time::interval(Limits::ms(limits.ownership_interval_ms));
    loop {
        ticks.tick().await;
        let _ = api.registry.cast(registry::Message::VerifyOwnership);
        presence.verify(&**store).await;
    }
}

/// The log's upkeep, which takes its turn from time to time.
struct Upkeep {
    store: Arc<dyn Store>,
    clock: Clock,
    retention: Option<TimeDelta>,
}

impl Upkeep {
    /// Makes what the first messages need, before anybody is served; all else can wait for the first turn.
    async fn prepare(&self) {
        if let Err(error) = self.store.maintain(self.clock.now(), None).await {
            warn!(%error, "the log's parts are left to the upkeep's first turn");
        }
    }

    async fn run(self) {
        loop {
            let pause = if self.turn().await {
                Limits::UPKEEP_INTERVAL
            } else {
                Limits::UPKEEP_RETRY
            };
            sleep(pause).await;
        }
    }

    /// One turn; answers whether all is done. What does not succeed is left to the next: until then nothing is lost, and
    /// nobody waits.
    async fn turn(&self) -> bool {
        let mut is_done = true;
        match self.store.maintain(self.clock.now(), self.retention).await {
            Ok(done) => {
                for part in &done.made {
                    info!(part, "made a part of the log ahead of time");
                }
                for part in &done.dropped {
                    let DroppedPart { name, kept } = part;
                    info!(part = name, kept, "dropped a part of the log, too old");
                }
                if done.deleted > 0 {
                    info!(messages = done.deleted, "deleted old messages from the log");
                }
            }
            Err(error) => {
                is_done = false;
                warn!(%error, "the log's upkeep is left to its next turn");
            }
        }
        let before = self.clock.now() - Limits::IDEMPOTENCY_KEY_TTL;
        if let Err(error) = self.store.forget_keys(before).await {
            is_done = false;
            warn!(%error, "old idempotency keys are left to the next turn");
        }
        is_done
    }
}

/// Wakes every meeting that was in progress, then opens for traffic.
async fn recover(api: Api) {
    match api.registry.call(registry::Message::Recover, None).await {
        Ok(CallResult::Success(meetings)) => {
            info!(meetings, "ready");
            api.readiness.set(true);
        }
        Ok(CallResult::Timeout | CallResult::SenderError) | Err(_) => warn!("the registry is gone"),
    }
}

/// The database that is meant, its directory made.
///
/// # Errors
/// If the address is none, or the data directory cannot be made.
pub async fn database(data: &config::Data) -> anyhow::Result<Database> {
    if let Some(url) = &data.database_url {
        return Ok(Database::parse(url)?);
    }
    let directory = &data.data_dir;
    tokio::fs::create_dir_all(directory)
        .await
        .with_context(|| {
            format!(
                "cannot make the data directory {}: choose another with --data-dir",
                directory.display()
            )
        })?;
    Ok(Database::Sqlite(directory.join("synod.db")))
}

/// The admin token of the data directory, made at first start, readable by its owner only.
async fn kept_admin_token(directory: &Path, clock: &Clock) -> anyhow::Result<String> {
    use tokio::io::AsyncWriteExt;
    let path = directory.join("admin-token");
    let about = || {
        format!(
            "cannot keep the admin token in {}: set SYNOD_ADMIN_TOKEN",
            path.display()
        )
    };
    if let Ok(token) = tokio::fs::read_to_string(&path).await {
        let token = token.trim().to_owned();
        anyhow::ensure!(
            !token.is_empty(),
            "{} is empty: delete it or set SYNOD_ADMIN_TOKEN",
            path.display()
        );
        return Ok(token);
    }
    tokio::fs::create_dir_all(directory)
        .await
        .with_context(about)?;
    let (token, _) = auth::issue(clock);
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(&path).await.with_context(about)?;
    file.write_all(format!("{token}\n").as_bytes())
        .await
        .with_context(about)?;
    file.sync_all().await.with_context(about)?;
    info!(path = %path.display(), "made an admin token");
    Ok(token)
}
