//! `filter diff`: whether two filters do the same, and where not.
//!
//! That is decided for every packet there can be. What rules say of network services makes no
//! difference, so it is told apart. Captures, if there are any, say how much of it there is; they
//! decide nothing.

mod traffic;

use std::{
    fmt::Write,
    io::{self, Write as _},
};

use anyhow::anyhow;
use mirror_aws::{KnownFilter, Open};
use mirror_filter::{
    Action, Rule, Service, Services,
    analysis::{self, Comparison, Difference},
};
use serde::Serialize;

use super::json::{self, Witness};
use crate::{
    cli::{self, TextOrJson},
    documents::{self, Source, called, is_stdin, reads_stdin},
    failure::{Exit, Failure, printable},
    number::counted,
    simulate::{self, Tally},
};
use traffic::Traffic;

/// Run the command.
pub(super) fn run(args: &cli::FilterDiff) -> Result<Exit, Failure> {
    let filters = [&args.a, &args.b].into_iter().filter(|one| reads_stdin(one)).count();
    let files = args.config.iter().chain(&args.capture).filter(|path| is_stdin(path)).count();
    if filters + files > 1 {
        return Err(Failure::usage(anyhow!("standard input can be one of the files only")));
    }
    // A template may have parameters that the other document has no use for.
    let params = documents::parameters(&args.param)?.shared();
    let a = Source::read_with(&args.a, &params)?;
    let b = Source::read_with(&args.b, &params)?;
    let around = documents::read_with(&args.config, &params)?;
    if let [name, ..] = params.unasked().as_slice() {
        let name = printable(name);
        return Err(Failure::usage(anyhow!("found --param {name}, which no document asks for")));
    }
    for source in [&a, &b] {
        source.tell(|_| true);
    }
    let of_interfaces = documents::warnings(&around, |open| open == Open::Interface);
    documents::tell(&of_interfaces, documents::MAX_WARNINGS);
    let enis: Vec<_> =
        [&a.estate, &b.estate, &around].into_iter().flat_map(simulate::interfaces).collect();
    let (a, b) = (Side::new(&a)?, Side::new(&b)?);
    let services = Services::new(&args.vpc);
    let Comparison { differences, settled } =
        analysis::compare(&a.known.filter, &b.known.filter, &services)
            .map_err(|error| Failure::input(format!("{} and {}", a.name, b.name), error))?;
    let settled: Vec<(Difference, Service)> = settled
        .into_iter()
        .filter_map(|one| Some((one, services.of(&one.example.flow())?)))
        .collect();
    let equal = differences.is_empty() && a.known.filter.amazon_dns == b.known.filter.amazon_dns;
    let traffic = match args.capture.as_slice() {
        [] => None,
        _ => Some(Traffic::of(args, &enis, [a.known, b.known], &differences)?),
    };
    let damage = traffic.as_ref().map(|traffic| traffic.damage.as_str()).unwrap_or_default();
    // Nobody is left to hear that stderr is gone.
    let _ = io::stderr().write_all(damage.as_bytes());
    match args.format {
        TextOrJson::Text => {
            let text = text(&a, &b, &differences, &settled, traffic.as_ref());
            crate::print(|out| {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            })?;
        }
        TextOrJson::Json => {
            json::print(&Json {
                schema: "mirror-pcap/diff/1",
                a: FilterName::new(&a),
                b: FilterName::new(&b),
                equal,
                differences: differences
                    .iter()
                    .enumerate()
                    .map(|(at, one)| Row::new(&a, &b, one, seen(traffic.as_ref(), at)))
                    .collect(),
                settled: settled.iter().map(|one| SettledRow::new(&a, &b, one)).collect(),
                traffic: traffic.as_ref(),
            })?;
        }
    }
    Ok(match equal {
        false => Exit::Findings,
        true if !damage.is_empty() => Exit::Damaged,
        true => Exit::Done,
    })
}

/// One of the filters.
struct Side<'s> {
    name: String,
    known: &'s KnownFilter,
}

impl<'s> Side<'s> {
    fn new(source: &'s Source) -> Result<Side<'s>, Failure> {
        Ok(Side { name: source.name(), known: source.one()? })
    }

    fn rule(&self, index: Option<usize>) -> Option<&'s Rule> {
        self.known.filter.rules.get(index?)
    }

    fn amazon_dns(&self) -> bool {
        self.known.filter.amazon_dns
    }
}

/// Of a difference, what the captures have; nothing if none were looked at.
fn seen(traffic: Option<&Traffic>, at: usize) -> Option<Tally> {
    traffic?.pairs.get(at).copied()
}

fn text(
    a: &Side<'_>,
    b: &Side<'_>,
    differences: &[Difference],
    settled: &[(Difference, Service)],
    traffic: Option<&Traffic>,
) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    for (mark, side) in [("a", a), ("b", b)] {
        let _ = writeln!(text, "{mark}: {} in {}", called(side.known), printable(&side.name));
    }
    let other_dns = a.amazon_dns() != b.amazon_dns();
    if differences.is_empty() && !other_dns {
        text += "they do the same with every whole packet\n";
    }
    if other_dns {
        let (has, lacks) = if a.amazon_dns() { ("a", "b") } else { ("b", "a") };
        let _ = writeln!(text, "{has} mirrors Amazon DNS, {lacks} does not");
    }
    if differences.is_empty() && other_dns {
        text += "their rules do the same with every whole packet\n";
    }
    for (at, one) in differences.iter().enumerate() {
        let (left, right) = (a.rule(one.a), b.rule(one.b));
        let who = if action(left) == Action::Accept { "a" } else { "b" };
        let _ = writeln!(text, "{who} alone mirrors {}", one.example);
        let says = |rule: Option<&Rule>| match rule {
            Some(rule) => rule.to_string(),
            None => format!("no {} rule matches", one.direction),
        };
        let _ = writeln!(text, "  a: {}\n  b: {}", says(left), says(right));
        if let Some(Tally { packets, bytes }) = seen(traffic, at) {
            let packets = counted(packets, "packet", "packets");
            let _ = writeln!(text, "  seen: {packets}, {}", counted(bytes, "byte", "bytes"));
        }
    }
    if !differences.is_empty() {
        let pairs = counted(differences.len() as u64, "pair", "pairs");
        let _ = writeln!(text, "{pairs} of rules that disagree");
    }
    if let Some((one, service)) = settled.first() {
        let pairs = counted(settled.len() as u64, "pair", "pairs");
        let (more, disagree) = match (differences.len(), settled.len()) {
            (0, 1) => ("", "disagrees"),
            (0, _) => ("", "disagree"),
            (_, 1) => (" more", "disagrees"),
            _ => (" more", "disagree"),
        };
        let _ = writeln!(
            text,
            "{pairs}{more} of rules {disagree} only about packets of network services, which rules \
             do not judge, such as {} ({service})",
            one.example
        );
    }
    if let Some(traffic) = traffic {
        text += &traffic.text();
    }
    text
}

fn action(rule: Option<&Rule>) -> Action {
    rule.map_or(Action::Reject, |rule| rule.action)
}

#[derive(Serialize)]
struct Json<'a> {
    schema: &'static str,
    a: FilterName<'a>,
    b: FilterName<'a>,
    equal: bool,
    differences: Vec<Row>,
    settled: Vec<SettledRow>,
    traffic: Option<&'a Traffic>,
}

#[derive(Serialize)]
struct FilterName<'a> {
    document: &'a str,
    id: Option<&'a str>,
    name: Option<&'a str>,
    amazon_dns: bool,
}

impl<'a> FilterName<'a> {
    fn new(side: &'a Side<'a>) -> FilterName<'a> {
        let filter = &side.known.filter;
        FilterName {
            document: &side.name,
            id: filter.id.as_deref(),
            name: filter.name.as_deref(),
            amazon_dns: filter.amazon_dns,
        }
    }
}

#[derive(Serialize)]
struct Row {
    direction: &'static str,
    a: Decided,
    b: Decided,
    witness: Witness,
    traffic: Option<Tally>,
}

#[derive(Serialize)]
struct Decided {
    rule: Option<u32>,
    action: &'static str,
}

impl Decided {
    fn new(rule: Option<&Rule>) -> Decided {
        Decided { rule: rule.map(|rule| rule.number), action: action(rule).as_str() }
    }
}

impl Row {
    fn new(a: &Side<'_>, b: &Side<'_>, one: &Difference, traffic: Option<Tally>) -> Row {
        Row {
            direction: one.direction.as_str(),
            a: Decided::new(a.rule(one.a)),
            b: Decided::new(b.rule(one.b)),
            witness: Witness::new(&one.example),
            traffic,
        }
    }
}

/// A pair of rules whose disagreement nobody will see.
#[derive(Serialize)]
struct SettledRow {
    direction: &'static str,
    a: Decided,
    b: Decided,
    witness: Witness,
    service: &'static str,
}

impl SettledRow {
    fn new(a: &Side<'_>, b: &Side<'_>, (one, service): &(Difference, Service)) -> SettledRow {
        SettledRow {
            direction: one.direction.as_str(),
            a: Decided::new(a.rule(one.a)),
            b: Decided::new(b.rule(one.b)),
            witness: Witness::new(&one.example),
            service: service.as_str(),
        }
    }
}
