//! Clients that send bodies which are not what they seem.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::{join, join_all};

use super::Target;

/// 100 KB of gzip that inflate to 100 MiB.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..100 {
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}

#[actix_web::test]
async fn what_inflates_without_end_is_given_up_at_the_limit() {
    let target = Target::start(&[]).await;
    let bomb = bomb();
    let before = target.resident();
    let mut most = 0;
    for path in ["/auth/token", "/auth/revoke", "/requests"] {
        let token = target.consumer(path.rsplit('/').next().unwrap()).await;
        let sent = AtomicBool::new(false);
        let send = async {
            let answers = join_all((0..8).map(async |_| {
                let call = token.post_bytes(path, bomb.clone()).header("content-encoding", "gzip");
                call.header("content-type", "application/json").await.status
            }));
            assert_eq!(answers.await, [413; 8], "{path}");
            sent.store(true, Ordering::Relaxed);
        };
        let look = async {
            while !sent.load(Ordering::Relaxed) {
                most = most.max(target.resident());
                tokio::task::yield_now().await;
            }
        };
        join(send, look).await;
    }
    assert!(most < before + (32 << 20), "{most} bytes at most, {before} before");
    target.assert_recovers().await;
}
