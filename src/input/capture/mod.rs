//! Captures: file → link → IP → TCP → what was said.
