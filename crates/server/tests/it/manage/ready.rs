//! `GET /manage/v1/ready`.

use super::health::DEAD;
use crate::support::{Backend, Served, until};

#[tokio::test]
async fn ready_with_a_backend() {
    let one = Backend::legacy().start().await;
    let served = Served::backends(&[DEAD.to_owned(), one.yaml("one", "")]).await;
    until("ready", || served.gateway.totals().ready()).await;
    insta::assert_snapshot!(served.get("/manage/v1/ready").send().await.shown());
}

#[tokio::test]
async fn not_ready_without() {
    let silent = Backend::legacy().silent("initialize").start().await;
    let served = Served::backends(&[DEAD.to_owned(), silent.yaml("silent", "")]).await;
    insta::assert_snapshot!(served.get("/manage/v1/ready").send().await.shown());
}

#[tokio::test]
async fn ready_with_none_configured() {
    let served = Served::alone().await;
    assert_eq!(served.get("/manage/v1/ready").send().await.status, 200);
}
