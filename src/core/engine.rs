//! stub
pub struct Engine;
pub mod limits {}
