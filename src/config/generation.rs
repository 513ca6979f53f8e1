//! Who writes texts (reflections, answers, plans), and how many texts are written at once.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::error::{InvalidSetting, Problem};
use super::secret;
use super::signing::given;
use super::value::{count, duration};
use crate::secret::Secret;

/// The text generator and its limits, by flag or variable.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Text generation")]
pub(crate) struct GenerationSettings {
    /// Who writes texts: the embedded generator, which quotes the user's own sentences, or a model at
    /// --generator-url
    #[arg(long, env = "SOUK_GENERATOR", value_name = "GENERATOR", value_enum, default_value = "extractive")]
    pub(crate) generator: GeneratorKind,

    /// Address of the model's server, with or without /v1; http://127.0.0.1:11434 for ollama unless given.
    /// What users write is sent there
    #[arg(long, env = "SOUK_GENERATOR_URL", value_name = "URL")]
    pub(crate) generator_url: Option<String>,

    /// The same as --generator-url, for ollama only
    #[arg(long, env = "SOUK_OLLAMA_URL", value_name = "URL", conflicts_with = "generator_url")]
    pub(crate) ollama_url: Option<String>,

    /// The model's name at that server
    #[arg(long, env = "SOUK_GENERATOR_MODEL", value_name = "NAME")]
    pub(crate) generator_model: Option<String>,

    /// Key for the model's server (sent as Authorization: Bearer)
    #[arg(
        long, env = "SOUK_GENERATOR_KEY", value_name = "SECRET", hide_env_values = true,
        value_parser = secret::secret, conflicts_with = "generator_key_file"
    )]
    pub(crate) generator_key: Option<Secret<String>>,

    /// File that holds the key for the model's server
    #[arg(long, env = "SOUK_GENERATOR_KEY_FILE", value_name = "PATH")]
    pub(crate) generator_key_file: Option<PathBuf>,

    /// How long a text may take to begin, connecting and loading the model included
    #[arg(
        long, env = "SOUK_GENERATOR_FIRST_TIMEOUT", value_name = "DURATION", default_value = "60s",
        value_parser = duration
    )]
    pub(crate) generator_first_timeout: Duration,

    /// How long a text that has begun may pause
    #[arg(
        long, env = "SOUK_GENERATOR_IDLE_TIMEOUT", value_name = "DURATION", default_value = "20s",
        value_parser = duration
    )]
    pub(crate) generator_idle_timeout: Duration,

    /// How long a text may take as a whole
    #[arg(
        long, env = "SOUK_GENERATOR_TOTAL_TIMEOUT", value_name = "DURATION", default_value = "5m",
        value_parser = duration
    )]
    pub(crate) generator_total_timeout: Duration,

    /// How long a text goes on being written when nobody follows it any more
    #[arg(
        long, env = "SOUK_GENERATOR_ABANDON_TIMEOUT", value_name = "DURATION", default_value = "30s",
        value_parser = duration
    )]
    pub(crate) generator_abandon_timeout: Duration,

    /// Texts that are written at once, for all users together
    #[arg(
        long, env = "SOUK_GENERATOR_CONCURRENCY", value_name = "COUNT", default_value = "4",
        value_parser = count::<usize>
    )]
    pub(crate) generator_concurrency: usize,

    /// How much of a conversation the assistant is given for an answer, in tokens: a token for every four bytes and four
    /// for each message. Leave room for the answer in the model's own context
    #[arg(
        long, env = "SOUK_ASSISTANT_CONTEXT_TOKENS", value_name = "COUNT", default_value = "2048",
        value_parser = count::<usize>
    )]
    pub(crate) assistant_context_tokens: usize,

    /// Texts that may wait to be written, for all users together; more are refused as busy
    #[arg(
        long, env = "SOUK_GENERATOR_QUEUE", value_name = "COUNT", default_value = "64",
        value_parser = count::<usize>
    )]
    pub(crate) generator_queue: usize,
}

/// Who writes texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum GeneratorKind {
    /// Embedded: picks from the user's own sentences; no network, no model.
    Extractive,
    /// An Ollama server (/api/generate).
    Ollama,
    /// A server with OpenAI's interface (/v1/chat/completions): llama.cpp, vLLM, hosted services.
    // clap would spell it `open-ai`.
    #[value(name = "openai")]
    OpenAi,
}

/// The text generator and its limits, checked.
#[derive(Debug, Clone)]
pub struct GenerationConfig {
    /// Who writes.
    pub(crate) backend: Backend,
    /// Until the first piece of a text.
    pub(crate) first_timeout: Duration,
    /// Between two pieces.
    pub(crate) idle_timeout: Duration,
    /// For a whole text.
    pub(crate) total_timeout: Duration,
    /// Since its last follower left, for a text that is being written.
    pub(crate) abandon_timeout: Duration,
    /// Estimated tokens of a conversation that an answer is written from.
    pub(crate) context_tokens: usize,
    /// Generations that run at once.
    pub(crate) concurrency: usize,
    /// Callers that wait for one.
    pub(crate) queue: usize,
}

/// Who writes texts, with what it needs.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    /// The embedded generator.
    Extractive,
    /// A model of an Ollama server.
    Ollama(ModelConfig),
    /// A model behind OpenAI's interface.
    OpenAi(ModelConfig),
}

/// A model at a server.
#[derive(Debug, Clone)]
pub(crate) struct ModelConfig {
    /// The server's address: `http` or `https`, without user, query and fragment.
    pub(crate) url: Url,
    /// The model's name at that server.
    pub(crate) name: String,
    /// The server's key.
    pub(crate) key: Option<Secret<String>>,
}

impl GenerationConfig {
    /// Whether what users write, and the key, leave this machine unencrypted.
    pub(crate) fn sends_in_plain_text(&self) -> bool {
        let (Backend::Ollama(model) | Backend::OpenAi(model)) = &self.backend else { return false };
        model.url.scheme() == "http" && !is_loopback(&model.url)
    }
}

/// Where Ollama listens unless it is told otherwise.
const OLLAMA_URL: &str = "http://127.0.0.1:11434";

impl GenerationSettings {
    pub(super) fn check(&self, invalid: &mut Vec<InvalidSetting>) -> Option<GenerationConfig> {
        let before = invalid.len();
        if self.generator_first_timeout > self.generator_total_timeout {
            invalid.push(InvalidSetting::of(
                "generator_first_timeout",
                Problem::NotOver("--generator-total-timeout"),
            ));
        }
        if self.generator_idle_timeout > self.generator_total_timeout {
            invalid.push(InvalidSetting::of(
                "generator_idle_timeout",
                Problem::NotOver("--generator-total-timeout"),
            ));
        }
        if self.generator != GeneratorKind::Ollama && self.ollama_url.is_some() {
            invalid.push(InvalidSetting::of("ollama_url", Problem::OnlyWith("--generator ollama")));
        }
        let backend = match self.generator {
            GeneratorKind::Extractive => {
                self.refuse_model_settings(invalid);
                Some(Backend::Extractive)
            }
            GeneratorKind::Ollama => {
                let own = self.ollama_url.as_ref().map(|url| ("ollama_url", url.as_str()));
                self.model(own.or(Some(("generator_url", OLLAMA_URL))), invalid).map(Backend::Ollama)
            }
            GeneratorKind::OpenAi => self.model(None, invalid).map(Backend::OpenAi),
        };
        backend.filter(|_| invalid.len() == before).map(|backend| GenerationConfig {
            backend,
            first_timeout: self.generator_first_timeout,
            idle_timeout: self.generator_idle_timeout,
            total_timeout: self.generator_total_timeout,
            abandon_timeout: self.generator_abandon_timeout,
            context_tokens: self.assistant_context_tokens,
            concurrency: self.generator_concurrency,
            queue: self.generator_queue,
        })
    }

    /// The embedded generator would ignore them, and the operator would believe that a model writes.
    fn refuse_model_settings(&self, invalid: &mut Vec<InvalidSetting>) {
        for (setting, is_given) in [
            ("generator_url", self.generator_url.is_some()),
            ("generator_model", self.generator_model.is_some()),
            ("generator_key", self.generator_key.is_some()),
            ("generator_key_file", self.generator_key_file.is_some()),
        ] {
            if is_given {
                invalid.push(InvalidSetting::of(setting, Problem::OnlyWith("--generator ollama or openai")));
            }
        }
    }

    /// The model that the settings name. `otherwise` is the address unless `generator_url` is given, with the
    /// setting that it comes from.
    fn model(
        &self,
        otherwise: Option<(&'static str, &str)>,
        invalid: &mut Vec<InvalidSetting>,
    ) -> Option<ModelConfig> {
        let url = self.generator_url.as_deref().map(|url| ("generator_url", url)).or(otherwise);
        let url = match url {
            Some((setting, url)) => well_formed(url).ok_or(InvalidSetting::of(setting, Problem::InvalidUrl)),
            None => Err(InvalidSetting::of("generator_url", Problem::NeededWith("--generator openai"))),
        };
        let name = match self.generator_model.as_deref() {
            Some(name) if !name.trim().is_empty() => Ok(name.to_owned()),
            Some(_) => Err(InvalidSetting::of("generator_model", Problem::Empty)),
            None => Err(InvalidSetting::of(
                "generator_model",
                Problem::NeededWith("--generator ollama or openai"),
            )),
        };
        let key =
            match given("generator_key", &self.generator_key, "generator_key_file", &self.generator_key_file)
            {
                Ok(Some((setting, key))) if !is_token(key.expose()) => {
                    Err(InvalidSetting::of(setting, Problem::InvalidToken))
                }
                Ok(key) => Ok(key.map(|(_, key)| key)),
                Err(unreadable) => Err(unreadable),
            };
        match (url, name, key) {
            (Ok(url), Ok(name), Ok(key)) => Some(ModelConfig { url, name, key }),
            (url, name, key) => {
                invalid.extend([url.err(), name.err(), key.err()].into_iter().flatten());
                None
            }
        }
    }
}

/// The address, if it is one. One with a user or a password would show it in logs and in `check-config`.
fn well_formed(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    is_plain.then_some(url)
}

/// Whether it can be sent as a bearer token: visible ASCII, at least one character.
fn is_token(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether the host is this machine by its form alone: no name is resolved.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
