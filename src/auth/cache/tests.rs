use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use proptest::prelude::*;
use tokio::sync::Notify;
use tokio::time::advance;

use super::*;
use crate::auth::command_line::command_line;
use crate::auth::metrics::Metrics;
use crate::auth::testing::following_database;
use crate::auth::{Auth, AuthError};
use crate::clock::Clock;
use crate::config::Settings;
use crate::db::Db;
use crate::domain::policy::ScopeParts;
use crate::domain::users::logins::{self, Device};
use crate::domain::users::{DisplayName, Plan, Registration, Role, service as users};
use crate::events::{Revocation, RevocationReason};
use crate::ids::{LoginId, TokenId, UserId};

const NOON: i64 = 1_700_000_000;

fn clock() -> Clock {
    Clock::manual(Timestamp::from_seconds(NOON).unwrap())
}

/// A cache that follows what others commit, and a scope to keep in it.
fn cache(clock: &Clock) -> (Arc<TokenCache>, Invalidations, Scope) {
    let invalidations = Invalidations::default();
    let metrics = Metrics::new().unwrap().cache;
    let now = clock.now();
    let parts = ScopeParts {
        user: UserId::new(now),
        role: Role::Consumer,
        plan: Plan::Free,
        email: "ana@example.com".into(),
        token: TokenId("one".into()),
        issuer: None,
        login: Some(LoginId::new(now)),
        outside_session: None,
        expires_at: now.plus(Duration::from_secs(600)),
        impersonator: None,
        is_synthetic: false,
        token_epoch: Timestamp::EPOCH,
        is_command_line: false,
    };
    let cache = TokenCache::new(100, invalidations.clone(), metrics);
    (Arc::new(cache), invalidations, Scope::new(parts, CallId::new(now)))
}

const TOKEN: TokenDigest = [7; 32];

async fn keep(cache: &TokenCache, scope: &Scope, now: Timestamp) {
    let known = async { Ok::<_, ()>(scope.clone()) };
    cache.check(&TOKEN, now, scope.call(), known).await.unwrap();
}

/// Whatever a token depends on.
fn endings(scope: &Scope) -> [Revocation; 4] {
    let (user, reason) = (scope.user(), RevocationReason::Revoked);
    let epoch = Timestamp::from_seconds(NOON).unwrap();
    [
        Revocation::User { user, epoch, reason },
        Revocation::OtherLogins { user, epoch, kept: LoginId::new(epoch), reason },
        Revocation::Login { sid: scope.login().unwrap(), reason },
        Revocation::Token { issuer: None, jti: scope.token().clone(), reason },
    ]
}

#[tokio::test(start_paused = true)]
async fn who_asks_waits_until_others_are_followed_but_not_for_ever() {
    let invalidations = Invalidations::default();
    let began = Instant::now();
    assert!(!invalidations.wait_until_followed().await, "nobody follows");
    assert_eq!(began.elapsed().as_secs(), 5);
    let asks = invalidations.clone();
    let asked = tokio::spawn(async move { asks.wait_until_followed().await });
    // A poll that began too long ago tells nothing of what has ended since.
    tokio::task::yield_now().await;
    invalidations.followed(began);
    tokio::task::yield_now().await;
    assert!(!asked.is_finished());
    invalidations.followed(Instant::now());
    assert!(asked.await.unwrap());
    let began = Instant::now();
    assert!(invalidations.wait_until_followed().await);
    assert_eq!(began.elapsed(), Duration::ZERO, "at once while others are followed");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_known_until_something_that_it_depends_on_ends() {
    let clock = clock();
    let (cache, invalidations, scope) = cache(&clock);
    let (now, call) = (clock.now(), CallId::new(clock.now()));
    advance(Duration::from_millis(1)).await;
    invalidations.followed(Instant::now());
    for ending in endings(&scope) {
        assert!(cache.get(&TOKEN, now, call).is_none());
        keep(&cache, &scope, now).await;
        assert_eq!(cache.get(&TOKEN, now, call).unwrap().call(), call, "for this call");
        invalidations.note(&[ending]);
    }
    keep(&cache, &scope, now).await;
    let other = |jti: &str| Revocation::Token {
        issuer: None,
        jti: TokenId(jti.into()),
        reason: RevocationReason::Revoked,
    };
    invalidations.note(&[other("another")]);
    assert!(cache.get(&TOKEN, now, call).is_some(), "who has nothing to do with it");
    invalidations.note_everybody();
    assert!(cache.get(&TOKEN, now, call).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_known_while_others_are_followed_and_its_time_is_not_over() {
    let clock = clock();
    let (cache, invalidations, scope) = cache(&clock);
    let call = scope.call();
    keep(&cache, &scope, clock.now()).await;
    assert!(cache.get(&TOKEN, clock.now(), call).is_none(), "nobody was ever followed");
    advance(Duration::from_millis(1)).await;
    invalidations.followed(Instant::now());
    keep(&cache, &scope, clock.now()).await;
    assert!(cache.get(&TOKEN, clock.now(), call).is_some());
    advance(FOLLOWED_FOR).await;
    assert!(cache.get(&TOKEN, clock.now(), call).is_none(), "cut off");
    for _ in 1..KEPT.as_secs() {
        invalidations.followed(Instant::now());
        assert!(cache.get(&TOKEN, clock.now(), call).is_some());
        advance(Duration::from_secs(1)).await;
    }
    invalidations.followed(Instant::now());
    assert!(cache.get(&TOKEN, clock.now(), call).is_none(), "for so long");
    keep(&cache, &scope, clock.now()).await;
    clock.advance(Duration::from_secs(599));
    assert!(cache.get(&TOKEN, clock.now(), call).is_none(), "for so long by the clock of tokens, too");
    keep(&cache, &scope, clock.now()).await;
    assert!(cache.get(&TOKEN, clock.now(), call).is_some());
    clock.advance(Duration::from_secs(1));
    assert!(cache.get(&TOKEN, clock.now(), call).is_none(), "expired");
}

/// A little more than what others may be followed late.
const FOLLOWED_FOR: Duration = Duration::from_millis(1002);

#[tokio::test(start_paused = true)]
async fn what_was_read_before_a_right_ended_is_not_kept_afterwards() {
    let clock = clock();
    let (cache, invalidations, scope) = cache(&clock);
    let (now, call) = (clock.now(), scope.call());
    advance(Duration::from_millis(1)).await;
    invalidations.followed(Instant::now());
    for ending in endings(&scope) {
        let late = async {
            // The row was read; its answer is on its way while the right ends.
            invalidations.note(&[ending]);
            Ok::<_, ()>(scope.clone())
        };
        cache.check(&TOKEN, now, call, late).await.unwrap();
        assert!(cache.get(&TOKEN, now, call).is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn one_call_asks_for_all_and_who_came_after_an_ending_asks_again() {
    let clock = clock();
    let (cache, invalidations, scope) = cache(&clock);
    let (now, call) = (clock.now(), scope.call());
    advance(Duration::from_millis(1)).await;
    invalidations.followed(Instant::now());
    for (ends, expected) in [(false, 1), (true, 4)] {
        invalidations.note_everybody();
        let (go, reads) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let calls: Vec<_> = (0..4)
            .map(|_| {
                let (cache, scope) = (cache.clone(), scope.clone());
                let (go, reads) = (go.clone(), reads.clone());
                tokio::spawn(async move {
                    let read = async {
                        if reads.fetch_add(1, Ordering::SeqCst) == 0 {
                            go.notified().await;
                        }
                        Ok::<_, ()>(scope)
                    };
                    cache.check(&TOKEN, now, call, read).await
                })
            })
            .collect();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(reads.load(Ordering::SeqCst), 1);
        if ends {
            let reason = RevocationReason::Revoked;
            invalidations.note(&[Revocation::Login { sid: scope.login().unwrap(), reason }]);
        }
        go.notify_one();
        for call in calls {
            assert!(call.await.unwrap().is_ok());
        }
        assert_eq!(reads.load(Ordering::SeqCst), expected);
    }
}

/// Authentication with the cache and without it, on one database.
struct World {
    cached: Auth,
    plain: Auth,
    db: Db,
    clock: Clock,
    invalidations: Invalidations,
    users: Vec<UserId>,
    /// Access token and refresh token of each pair that was issued.
    pairs: Vec<(String, String)>,
    _database: crate::auth::testing::TestDatabase,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    LogIn { user: usize },
    Refresh { pair: usize },
    RevokeAccess { pair: usize },
    RevokeRefresh { pair: usize },
    LogOut { pair: usize },
    LogOutElsewhere { pair: usize },
    LogOutEverywhere { user: usize },
    Suspend { user: usize },
    Reinstate { user: usize },
    ChangeRole { user: usize, role: usize },
    ChangePlan { user: usize, plan: usize },
    Wait { minutes: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (user, pair) = (|| 0..2_usize, || 0..64_usize);
    let step = prop_oneof![
        6 => user().prop_map(|user| Step::LogIn { user }),
        4 => pair().prop_map(|pair| Step::Refresh { pair }),
        2 => pair().prop_map(|pair| Step::RevokeAccess { pair }),
        1 => pair().prop_map(|pair| Step::RevokeRefresh { pair }),
        2 => pair().prop_map(|pair| Step::LogOut { pair }),
        1 => pair().prop_map(|pair| Step::LogOutElsewhere { pair }),
        1 => user().prop_map(|user| Step::LogOutEverywhere { user }),
        1 => user().prop_map(|user| Step::Suspend { user }),
        2 => user().prop_map(|user| Step::Reinstate { user }),
        1 => (user(), 0..2_usize).prop_map(|(user, role)| Step::ChangeRole { user, role }),
        2 => (user(), 0..3_usize).prop_map(|(user, plan)| Step::ChangePlan { user, plan }),
        2 => (1..12_u64).prop_map(|minutes| Step::Wait { minutes }),
    ];
    prop::collection::vec(step, 1..30)
}

impl World {
    async fn new() -> Self {
        let clock = clock();
        let invalidations = Invalidations::default();
        let database = following_database(&clock, &invalidations);
        let db = database.db.clone();
        let open = |flags: &[&str]| {
            let config = Settings::given(flags.iter().copied()).unwrap().into_config().unwrap();
            Auth::open(&config, db.clone(), clock.clone()).unwrap()
        };
        let secret = ["--jwt-secret", "bd2f6c0e97a14d3f8be5a0c1d2e3f405"];
        let mut users = Vec::new();
        for email in ["ana@example.com", "ben@example.com"] {
            let registration = Registration {
                email: email.parse().unwrap(),
                display_name: DisplayName::parse("Somebody").unwrap(),
                role: Role::Consumer,
                plan: Plan::Free,
                password_hash: String::new(),
            };
            users.push(db.write(move |uow| users::register(uow, &registration)).await.unwrap().id);
        }
        Self {
            cached: open(&secret).following(invalidations.clone()),
            plain: open(&[&secret[..], &["--token-cache", "0"]].concat()),
            db,
            clock,
            invalidations,
            users,
            pairs: Vec::new(),
            _database: database,
        }
    }

    fn call(&self) -> CallId {
        CallId::new(self.clock.now())
    }

    fn pair(&self, pair: usize) -> Option<&(String, String)> {
        self.pairs.get(pair % self.pairs.len().max(1))
    }

    /// Does it, whether or not it is allowed.
    async fn run(&mut self, step: Step) {
        let (call, root) = (self.call(), command_line(&self.clock));
        let reason = crate::domain::users::Reason::parse("a reason").unwrap();
        match step {
            Step::LogIn { user } => {
                if let Ok(made) = self.plain.open_login(self.users[user], Device::default()).await {
                    self.pairs.push((made.access_token, made.refresh_token));
                }
            }
            Step::Refresh { pair } => {
                let Some((_, refresh)) = self.pair(pair) else { return };
                if let Ok(made) = self.plain.refresh(refresh, Device::default(), call).await {
                    self.pairs.push((made.access_token, made.refresh_token));
                }
            }
            Step::RevokeAccess { pair } => {
                let Some((access, _)) = self.pair(pair) else { return };
                self.cached.revoke(access, call).await.unwrap();
            }
            Step::RevokeRefresh { pair } => {
                let Some((_, refresh)) = self.pair(pair) else { return };
                self.cached.revoke(refresh, call).await.unwrap();
            }
            Step::LogOut { pair } => {
                let Some((access, _)) = self.pair(pair) else { return };
                if let Ok(scope) = self.cached.authenticate(access, call).await {
                    self.cached.log_out(&scope).await.unwrap();
                }
            }
            Step::LogOutElsewhere { pair } => {
                let Some((access, _)) = self.pair(pair) else { return };
                if let Ok(scope) = self.cached.authenticate(access, call).await {
                    self.db.write(move |uow| users::log_out_elsewhere(uow, &scope)).await.unwrap();
                }
            }
            Step::LogOutEverywhere { user } => {
                let id = self.users[user];
                self.db.write(move |uow| users::log_out(uow, &root, id)).await.unwrap();
            }
            Step::Suspend { user } => {
                let id = self.users[user];
                self.db.write(move |uow| users::suspend(uow, &root, id, &reason)).await.unwrap();
            }
            Step::Reinstate { user } => {
                let id = self.users[user];
                self.db.write(move |uow| users::reinstate(uow, &root, id, None)).await.unwrap();
            }
            Step::ChangeRole { user, role } => {
                let (id, role) = (self.users[user], [Role::Consumer, Role::Provider][role]);
                self.db.write(move |uow| users::change_role(uow, &root, id, role, None)).await.unwrap();
            }
            Step::ChangePlan { user, plan } => {
                let (id, plan) = (self.users[user], [Plan::Free, Plan::Pro, Plan::Enterprise][plan]);
                self.db.write(move |uow| users::change_plan(uow, &root, id, plan, None)).await.unwrap();
            }
            Step::Wait { minutes } => self.clock.advance(Duration::from_secs(60 * minutes)),
        }
    }

    /// What every token is good for, with the cache and without it.
    async fn compare(&self, step: Step) {
        self.invalidations.followed(Instant::now());
        for (access, _) in &self.pairs {
            let call = self.call();
            let of = |verdict: Result<Scope, AuthError>| {
                verdict.map(|scope| (scope.user(), scope.role(), scope.plan())).map_err(|error| error.code())
            };
            let cached = of(self.cached.authenticate(access, call).await);
            assert_eq!(cached, of(self.plain.authenticate(access, call).await), "after {step:?}");
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_cache_answers_as_the_database_does(steps in steps()) {
        runtime().block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.run(step).await;
                world.compare(step).await;
            }
        });
    }
}

#[test]
fn a_login_that_has_ended_is_refused_however_many_calls_are_under_way() {
    runtime().block_on(async {
        let world = World::new().await;
        let (cached, invalidations) = (Arc::new(world.cached), world.invalidations.clone());
        for round in 0..30 {
            let made = world.plain.open_login(world.users[round % 2], Device::default()).await.unwrap();
            let scope =
                world.plain.authenticate(&made.access_token, CallId::new(world.clock.now())).await.unwrap();
            let ended = Arc::new(AtomicBool::new(false));
            let calls: Vec<_> = (0..4)
                .map(|_| {
                    let (cached, invalidations) = (cached.clone(), invalidations.clone());
                    let (token, ended) = (made.access_token.clone(), ended.clone());
                    let call = CallId::new(world.clock.now());
                    tokio::spawn(async move {
                        loop {
                            invalidations.followed(Instant::now());
                            let begins_after = ended.load(Ordering::SeqCst);
                            let verdict = cached.authenticate(&token, call).await;
                            if begins_after {
                                return verdict.is_err();
                            }
                            tokio::task::yield_now().await;
                        }
                    })
                })
                .collect();
            let login = scope.login().unwrap();
            let out = scope.clone();
            world.db.write(move |uow| logins::service::end(uow, &out, login)).await.unwrap();
            ended.store(true, Ordering::SeqCst);
            for call in calls {
                assert!(call.await.unwrap(), "round {round}");
            }
        }
    });
}
