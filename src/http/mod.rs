//! HTTP/1.1 heads.

/// A head.
#[derive(Debug, Clone)]
pub struct Head;
