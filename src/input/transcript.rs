//! Transcripts of HTTP exchanges: raw, `curl -v`, "copy as headers", fenced Markdown.
