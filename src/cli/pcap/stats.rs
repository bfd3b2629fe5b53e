//! `ws101 pcap --stats`: counts, sizes, rates.

use super::records::{Announced, summary};
use super::select::Chosen;
use super::source::{Facts, observe};
use super::totals::{skipped, write_title, write_total};
use super::{Args, Failure, Format, Output};
use std::cell::RefCell;
use ws101::Counts;
use ws101::render::json::{self, Shape};
use ws101::render::stats::Stats;
use ws101::websocket::Limits;

/// `--stats`: counts, sizes, rates.
pub(super) fn run(
    args: &Args,
    chosen: &Chosen,
    format: Format,
    limits: Limits,
    output: &mut Output,
) -> Result<Counts, Failure> {
    let facts = RefCell::new(Facts::default());
    let sheet = output.sheet;
    let shape = match format {
        Format::Text => {
            let stats = Stats::text(&mut *output, sheet);
            let (stats, seen) = observe(args, chosen, stats, limits, &facts)?;
            stats.finish(json::summary(&seen.counts))?;
            write_title(args, &sheet, &facts.borrow(), &seen.tally, &seen.counts, output)?;
            write_total(args, &sheet, &seen, chosen, output)?;
            return Ok(seen.passed);
        }
        Format::Json => Shape::Document,
        _ => Shape::Lines,
    };
    let writer = json::Writer::new(output, shape, json::Options::default());
    let stats = Announced::new(Stats::json(writer), Stats::record, args, &facts);
    let (stats, seen) = observe(args, chosen, stats, limits, &facts)?;
    stats.into_inner().finish(summary(&seen, chosen, &skipped(&seen.tally, &seen.counts)))?;
    Ok(seen.passed)
}
