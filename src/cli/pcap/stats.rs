//! `ws101 pcap --stats`: counts, sizes, rates.

use super::records::{Announced, summary};
use super::select::Chosen;
use super::source::{Facts, observe_beside};
use super::totals::{skipped, write_title, write_total};
use super::{Args, Failure, Format, Output};
use std::cell::RefCell;
use ws101::Counts;
use ws101::cost::{self, Meter};
use ws101::redact;
use ws101::render::cost::Costs;
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
    let mut meter = args.select.compare_http.then(Meter::default);
    let shape = match format {
        Format::Text => {
            let stats = Stats::text(&mut *output, sheet);
            let (stats, seen) =
                observe_beside(args, chosen, stats, limits, &facts, meter.as_mut())?;
            let carried = stats.carried();
            stats.finish(json::summary(&seen.counts))?;
            if let Some(meter) = meter {
                let redact = chosen.judging.redact;
                compared(meter, redact, carried, |costs| costs.write(output, &sheet))?;
            }
            write_title(args, &sheet, &facts.borrow(), &seen.tally, &seen.counts, output)?;
            write_total(args, &sheet, &seen, chosen, output)?;
            return Ok(seen.passed);
        }
        Format::Json => Shape::Document,
        _ => Shape::Lines,
    };
    let writer = json::Writer::new(output, shape, json::Options::default());
    let stats = Announced::new(Stats::json(writer), Stats::record, args, &facts);
    let (stats, seen) = observe_beside(args, chosen, stats, limits, &facts, meter.as_mut())?;
    let mut stats = stats.into_inner();
    if let Some(meter) = meter {
        let (redact, carried) = (chosen.judging.redact, stats.carried());
        compared(meter, redact, carried, |costs| costs.records(|record| stats.record(record)));
    }
    stats.finish(summary(&seen, chosen, &skipped(&seen.tally, &seen.counts)))?;
    Ok(seen.passed)
}

/// What was measured, told once it is put together.
fn compared<T>(
    meter: Meter,
    redact: bool,
    (messages, frame_headers): ([u64; 2], u64),
    tell: impl FnOnce(&Costs<'_>) -> T,
) -> T {
    let (mut series, unmeasured) = meter.into_series();
    if redact {
        redact::series(&mut series);
    }
    let otherwise = cost::otherwise(&series, messages, frame_headers);
    let otherwise = otherwise.as_ref();
    tell(&Costs { series: &series, unmeasured, messages, frame_headers, otherwise })
}
