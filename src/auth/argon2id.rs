//! Argon2id with 19 MiB, two passes and one lane (OWASP Password Storage Cheat Sheet), in pooled memory.
//!
//! Were 19 MiB allocated for each sign-in, the kernel would have to clear them each time. So the pool holds one buffer
//! per hash that runs at once, and none once nobody signs in any more.

use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::password_hash::Error;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// A pool of Argon2 working memory, reused between hashes.
#[derive(Debug, Default)]
pub(super) struct BufferPool(Mutex<Buffers>);

#[derive(Debug, Default)]
struct Buffers {
    free: Vec<Memory>,
    /// Whether one was lent since they were last looked at.
    are_used: bool,
}

/// Argon2's working memory for one hash.
#[derive(Debug)]
pub(super) struct Memory(Vec<Block>);

impl BufferPool {
    /// Runs `work` with a pooled buffer, or a new one if none is free. The caller bounds how many run at
    /// once.
    pub(super) fn lend<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        let kept = self.buffers().free.pop();
        let mut memory = kept.unwrap_or_else(|| Memory(vec![Block::new(); Params::DEFAULT.block_count()]));
        let done = work(&mut memory);
        let mut buffers = self.buffers();
        buffers.free.push(memory);
        buffers.are_used = true;
        done
    }

    /// Frees the buffers if none was used since the last call.
    pub(super) fn free_unused(&self) {
        let mut buffers = self.buffers();
        if !std::mem::take(&mut buffers.are_used) {
            buffers.free.clear();
        }
    }

    fn buffers(&self) -> MutexGuard<'_, Buffers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Computes the hash to store, in PHC string form.
pub(super) fn hash(password: &[u8], memory: &mut Memory) -> Result<String, Error> {
    let (salt, params) = (Salt::generate(), Params::DEFAULT);
    let written = ParamsString::try_from(&params)?;
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    fill(Argon2::new(Algorithm::Argon2id, Version::V0x13, params), password, &salt, &mut output, memory)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: written,
        salt: Some(salt),
        hash: Some(Output::new(&output)?),
    };
    Ok(hash.to_string())
}

/// Whether the password matches the stored hash. An error means that the stored text is not a hash of ours.
pub(super) fn verify(password: &[u8], stored: &str, memory: &mut Memory) -> Result<bool, Error> {
    let stored = PasswordHash::new(stored)?;
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Err(Error::EncodingInvalid);
    };
    let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
    let version = Version::try_from(stored.version.unwrap_or(Version::V0x13.into()))?;
    let argon2 = Argon2::new(algorithm, version, Params::try_from(&stored)?);
    let mut output = vec![0; expected.len()];
    fill(argon2, password, salt, &mut output, memory)?;
    // Constant-time comparison.
    Ok(Output::new(&output)? == *expected)
}

fn fill(
    argon2: Argon2<'_>,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
    Memory(blocks): &mut Memory,
) -> Result<(), Error> {
    // A hash that was stored with other parameters may need more.
    let needed = argon2.params().block_count();
    if blocks.len() < needed {
        blocks.resize(needed, Block::new());
    }
    Ok(argon2.hash_password_into_with_memory(password, salt, output, blocks)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_nobody_uses_any_more_is_freed() {
        let pool = BufferPool::default();
        let kept = || pool.buffers().free.len();
        pool.lend(|_| pool.lend(|_| ()));
        pool.free_unused();
        assert_eq!(kept(), 2, "used a moment ago");
        pool.lend(|_| ());
        pool.free_unused();
        assert_eq!(kept(), 2);
        pool.free_unused();
        assert_eq!(kept(), 0);
    }
}
