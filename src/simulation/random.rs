//! Random numbers of one run.

/// SplitMix64 (Steele, Lea, Flood 2014): a counter and a bijective mixing function. Written here rather than
/// taken from a library, since stored results must stay reproducible when libraries change their algorithms.
pub(super) struct Random(u64);

/// The odd increment of SplitMix64: 2^64 divided by the golden ratio.
const INCREMENT: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Random {
    /// The generator of one run. Mixing twice puts the counters of the runs at unrelated places.
    pub(super) fn of_run(seed: u64, run: u32) -> Self {
        Self(mix(mix(seed.wrapping_add(INCREMENT)).wrapping_add(INCREMENT.wrapping_mul(u64::from(run) + 1))))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(INCREMENT);
        mix(self.0)
    }

    /// Uniform in [0, 1), with 53 random bits.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Poisson distributed, where `threshold` is `exp(-mean)` (Knuth's method, for small means).
    pub(super) fn poisson(&mut self, threshold: f64) -> u32 {
        let (mut count, mut product) = (0, self.uniform());
        while product > threshold {
            count += 1;
            product *= self.uniform();
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_algorithm() {
        let mut random = Random(1_234_567);
        let first = [random.next(), random.next(), random.next()];
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn runs_and_seeds_have_numbers_of_their_own() {
        let first = |seed, run| Random::of_run(seed, run).next();
        assert_eq!(first(7, 3), first(7, 3));
        assert_ne!(first(7, 3), first(7, 4));
        assert_ne!(first(7, 3), first(8, 3));
    }
}
