//! `/manage/v1/`.

mod health;
mod ready;
