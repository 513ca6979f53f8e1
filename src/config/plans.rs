//! The limits of each plan.

use super::value::count;

/// The limits of the three plans.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Plans")]
pub(crate) struct PlansConfig {
    /// Live sessions of a user on the free plan
    #[arg(
        long, env = "SOUK_FREE_CONNECTIONS", value_name = "COUNT", default_value = "20",
        value_parser = count::<usize>
    )]
    pub(crate) free_connections: usize,

    /// Messages per second from a session on the free plan
    #[arg(
        long, env = "SOUK_FREE_MESSAGES", value_name = "COUNT", default_value = "50",
        value_parser = count::<u32>
    )]
    pub(crate) free_messages: u32,

    /// Rooms that a session on the free plan may be in
    #[arg(
        long, env = "SOUK_FREE_ROOMS", value_name = "COUNT", default_value = "100",
        value_parser = count::<usize>
    )]
    pub(crate) free_rooms: usize,

    /// HTTP requests per minute of a user on the free plan
    #[arg(
        long, env = "SOUK_FREE_REQUESTS", value_name = "COUNT", default_value = "6000",
        value_parser = count::<u32>
    )]
    pub(crate) free_requests: u32,

    /// Queued and running simulations of a user on the free plan
    #[arg(
        long, env = "SOUK_FREE_SIMULATIONS", value_name = "COUNT", default_value = "1",
        value_parser = count::<u32>
    )]
    pub(crate) free_simulations: u32,

    /// Simulations that a user on the free plan may create in a day (UTC)
    #[arg(
        long, env = "SOUK_FREE_SIMULATIONS_PER_DAY", value_name = "COUNT", default_value = "20",
        value_parser = count::<u32>
    )]
    pub(crate) free_simulations_per_day: u32,

    /// Runs of a simulation on the free plan, 10000 at most
    #[arg(
        long, env = "SOUK_FREE_SIMULATION_RUNS", value_name = "COUNT", default_value = "2000",
        value_parser = clap::value_parser!(u32).range(2..=10_000)
    )]
    pub(crate) free_simulation_runs: u32,

    /// Steps (days) of a simulation on the free plan, 1000 at most
    #[arg(
        long, env = "SOUK_FREE_SIMULATION_STEPS", value_name = "COUNT", default_value = "90",
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    pub(crate) free_simulation_steps: u32,

    /// Texts written at once for a user on the free plan
    #[arg(
        long, env = "SOUK_FREE_GENERATIONS", value_name = "COUNT", default_value = "1",
        value_parser = count::<usize>
    )]
    pub(crate) free_generations: usize,

    /// Messages to the assistant on a day (UTC) of a user on the free plan
    #[arg(
        long, env = "SOUK_FREE_MESSAGES_PER_DAY", value_name = "COUNT", default_value = "50",
        value_parser = count::<u32>
    )]
    pub(crate) free_messages_per_day: u32,

    /// Masterplans on a day (UTC) of a user on the free plan
    #[arg(
        long, env = "SOUK_FREE_PLANS_PER_DAY", value_name = "COUNT", default_value = "5",
        value_parser = count::<u32>
    )]
    pub(crate) free_plans_per_day: u32,

    /// Characters of answers and masterplans on a day (UTC) for a user on the free plan; what has begun is finished
    #[arg(
        long, env = "SOUK_FREE_GENERATED_CHARACTERS_PER_DAY", value_name = "COUNT", default_value = "100000",
        value_parser = count::<u32>
    )]
    pub(crate) free_generated_characters_per_day: u32,

    /// Live sessions of a user on the pro plan
    #[arg(
        long, env = "SOUK_PRO_CONNECTIONS", value_name = "COUNT", default_value = "100",
        value_parser = count::<usize>
    )]
    pub(crate) pro_connections: usize,

    /// Messages per second from a session on the pro plan
    #[arg(
        long, env = "SOUK_PRO_MESSAGES", value_name = "COUNT", default_value = "200",
        value_parser = count::<u32>
    )]
    pub(crate) pro_messages: u32,

    /// Rooms that a session on the pro plan may be in
    #[arg(
        long, env = "SOUK_PRO_ROOMS", value_name = "COUNT", default_value = "200",
        value_parser = count::<usize>
    )]
    pub(crate) pro_rooms: usize,

    /// HTTP requests per minute of a user on the pro plan
    #[arg(
        long, env = "SOUK_PRO_REQUESTS", value_name = "COUNT", default_value = "12000",
        value_parser = count::<u32>
    )]
    pub(crate) pro_requests: u32,

    /// Queued and running simulations of a user on the pro plan
    #[arg(
        long, env = "SOUK_PRO_SIMULATIONS", value_name = "COUNT", default_value = "5",
        value_parser = count::<u32>
    )]
    pub(crate) pro_simulations: u32,

    /// Simulations that a user on the pro plan may create in a day (UTC)
    #[arg(
        long, env = "SOUK_PRO_SIMULATIONS_PER_DAY", value_name = "COUNT", default_value = "200",
        value_parser = count::<u32>
    )]
    pub(crate) pro_simulations_per_day: u32,

    /// Runs of a simulation on the pro plan, 10000 at most
    #[arg(
        long, env = "SOUK_PRO_SIMULATION_RUNS", value_name = "COUNT", default_value = "5000",
        value_parser = clap::value_parser!(u32).range(2..=10_000)
    )]
    pub(crate) pro_simulation_runs: u32,

    /// Steps (days) of a simulation on the pro plan, 1000 at most
    #[arg(
        long, env = "SOUK_PRO_SIMULATION_STEPS", value_name = "COUNT", default_value = "365",
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    pub(crate) pro_simulation_steps: u32,

    /// Texts written at once for a user on the pro plan
    #[arg(
        long, env = "SOUK_PRO_GENERATIONS", value_name = "COUNT", default_value = "2",
        value_parser = count::<usize>
    )]
    pub(crate) pro_generations: usize,

    /// Messages to the assistant on a day (UTC) of a user on the pro plan
    #[arg(
        long, env = "SOUK_PRO_MESSAGES_PER_DAY", value_name = "COUNT", default_value = "500",
        value_parser = count::<u32>
    )]
    pub(crate) pro_messages_per_day: u32,

    /// Masterplans on a day (UTC) of a user on the pro plan
    #[arg(
        long, env = "SOUK_PRO_PLANS_PER_DAY", value_name = "COUNT", default_value = "50",
        value_parser = count::<u32>
    )]
    pub(crate) pro_plans_per_day: u32,

    /// Characters of answers and masterplans on a day (UTC) for a user on the pro plan; what has begun is finished
    #[arg(
        long, env = "SOUK_PRO_GENERATED_CHARACTERS_PER_DAY", value_name = "COUNT", default_value = "1000000",
        value_parser = count::<u32>
    )]
    pub(crate) pro_generated_characters_per_day: u32,

    /// Live sessions of a user on the enterprise plan
    #[arg(
        long, env = "SOUK_ENTERPRISE_CONNECTIONS", value_name = "COUNT", default_value = "1000",
        value_parser = count::<usize>
    )]
    pub(crate) enterprise_connections: usize,

    /// Messages per second from a session on the enterprise plan
    #[arg(
        long, env = "SOUK_ENTERPRISE_MESSAGES", value_name = "COUNT", default_value = "1000",
        value_parser = count::<u32>
    )]
    pub(crate) enterprise_messages: u32,

    /// Rooms that a session on the enterprise plan may be in
    #[arg(
        long, env = "SOUK_ENTERPRISE_ROOMS", value_name = "COUNT", default_value = "500",
        value_parser = count::<usize>
    )]
    pub(crate) enterprise_rooms: usize,

    /// HTTP requests per minute of a user on the enterprise plan
    #[arg(
        long, env = "SOUK_ENTERPRISE_REQUESTS", value_name = "COUNT", default_value = "60000",
        value_parser = count::<u32>
    )]
    pub(crate) enterprise_requests: u32,

    /// Queued and running simulations of a user on the enterprise plan
    #[arg(
        long, env = "SOUK_ENTERPRISE_SIMULATIONS", value_name = "COUNT", default_value = "20",
        value_parser = count::<u32>
    )]
    pub(crate) enterprise_simulations: u32,

    /// Simulations that a user on the enterprise plan may create in a day (UTC)
    #[arg(
        long, env = "SOUK_ENTERPRISE_SIMULATIONS_PER_DAY", value_name = "COUNT", default_value = "2000",
        value_parser = count::<u32>
    )]
    pub(crate) enterprise_simulations_per_day: u32,

    /// Runs of a simulation on the enterprise plan, 10000 at most
    #[arg(
        long, env = "SOUK_ENTERPRISE_SIMULATION_RUNS", value_name = "COUNT", default_value = "10000",
        value_parser = clap::value_parser!(u32).range(2..=10_000)
    )]
    pub(crate) enterprise_simulation_runs: u32,

    /// Steps (days) of a simulation on the enterprise plan, 1000 at most
    #[arg(
        long, env = "SOUK_ENTERPRISE_SIMULATION_STEPS", value_name = "COUNT", default_value = "1000",
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    pub(crate) enterprise_simulation_steps: u32,

    /// Texts written at once for a user on the enterprise plan
    #[arg(
        long, env = "SOUK_ENTERPRISE_GENERATIONS", value_name = "COUNT", default_value = "4",
        value_parser = count::<usize>
    )]
    pub(crate) enterprise_generations: usize,

    /// Messages to the assistant on a day (UTC) of a user on the enterprise plan
    #[arg(
        long, env = "SOUK_ENTERPRISE_MESSAGES_PER_DAY", value_name = "COUNT", default_value = "10000",
        value_parser = count::<u32>
    )]
    pub(crate) enterprise_messages_per_day: u32,

    /// Masterplans on a day (UTC) of a user on the enterprise plan
    #[arg(
        long, env = "SOUK_ENTERPRISE_PLANS_PER_DAY", value_name = "COUNT", default_value = "1000",
        value_parser = count::<u32>
    )]
    pub(crate) enterprise_plans_per_day: u32,

    /// Characters of answers and masterplans on a day (UTC) for a user on the enterprise plan; what has begun is finished
    #[arg(
        long, env = "SOUK_ENTERPRISE_GENERATED_CHARACTERS_PER_DAY", value_name = "COUNT", default_value = "20000000",
        value_parser = count::<u32>
    )]
    pub(crate) enterprise_generated_characters_per_day: u32,
}

/// The limits of one plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlanLimits {
    /// Concurrent live sessions of one user.
    pub(crate) connections: usize,
    /// Messages per second from one session, which is also the burst size.
    pub(crate) messages: u32,
    /// Rooms that one session may be in.
    pub(crate) rooms: usize,
    /// HTTP requests per minute of one user.
    pub(crate) requests: u32,
    /// Simulations of one user that are queued or running.
    pub(crate) simulations: u32,
    /// Simulations that one user may create in a day (UTC).
    pub(crate) simulations_per_day: u32,
    /// Runs of one simulation.
    pub(crate) simulation_runs: u32,
    /// Steps of one simulation.
    pub(crate) simulation_steps: u32,
    /// Texts that are written for one user at once.
    pub(crate) generations: usize,
    /// Messages of one user to the assistant on a day.
    pub(crate) messages_per_day: u32,
    /// Masterplans of one user on a day.
    pub(crate) plans_per_day: u32,
    /// Characters of answers and masterplans for one user on a day.
    pub(crate) generated_characters_per_day: u32,
}

impl PlansConfig {
    /// The free plan's limits.
    pub(crate) fn free(&self) -> PlanLimits {
        PlanLimits {
            connections: self.free_connections,
            messages: self.free_messages,
            rooms: self.free_rooms,
            requests: self.free_requests,
            simulations: self.free_simulations,
            simulations_per_day: self.free_simulations_per_day,
            simulation_runs: self.free_simulation_runs,
            simulation_steps: self.free_simulation_steps,
            generations: self.free_generations,
            messages_per_day: self.free_messages_per_day,
            plans_per_day: self.free_plans_per_day,
            generated_characters_per_day: self.free_generated_characters_per_day,
        }
    }

    /// The pro plan's limits.
    pub(crate) fn pro(&self) -> PlanLimits {
        PlanLimits {
            connections: self.pro_connections,
            messages: self.pro_messages,
            rooms: self.pro_rooms,
            requests: self.pro_requests,
            simulations: self.pro_simulations,
            simulations_per_day: self.pro_simulations_per_day,
            simulation_runs: self.pro_simulation_runs,
            simulation_steps: self.pro_simulation_steps,
            generations: self.pro_generations,
            messages_per_day: self.pro_messages_per_day,
            plans_per_day: self.pro_plans_per_day,
            generated_characters_per_day: self.pro_generated_characters_per_day,
        }
    }

    /// The enterprise plan's limits.
    pub(crate) fn enterprise(&self) -> PlanLimits {
        PlanLimits {
            connections: self.enterprise_connections,
            messages: self.enterprise_messages,
            rooms: self.enterprise_rooms,
            requests: self.enterprise_requests,
            simulations: self.enterprise_simulations,
            simulations_per_day: self.enterprise_simulations_per_day,
            simulation_runs: self.enterprise_simulation_runs,
            simulation_steps: self.enterprise_simulation_steps,
            generations: self.enterprise_generations,
            messages_per_day: self.enterprise_messages_per_day,
            plans_per_day: self.enterprise_plans_per_day,
            generated_characters_per_day: self.enterprise_generated_characters_per_day,
        }
    }
}
