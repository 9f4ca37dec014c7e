//! `/manage/v1/`: the management face.

pub(crate) mod health;
pub(crate) mod ready;
