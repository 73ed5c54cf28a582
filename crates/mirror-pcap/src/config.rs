//! `config`: what the documents come to together.
//!
//! People look here when a session isn't found or has another name than they thought. So the tree
//! stands as AWS thinks: an interface has sessions, which are asked in the order of their numbers,
//! and each has a target and a filter. What isn't known is left out, and what is odd is told on
//! standard error. Texts come from documents; none reaches the terminal unescaped.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write,
};

use mirror_aws::{Estate, KnownFilter};
use mirror_session::{Direction, Eni, FilterName, KnownSession, Target, TargetKind, file};

use crate::{
    cli::{self, ConfigCommand},
    documents::{self, quoted, titled},
    failure::{Exit, Failure, printable},
    number::counted,
};

/// Run the command.
pub(crate) fn run(args: &cli::Config) -> Result<Exit, Failure> {
    match &args.command {
        ConfigCommand::Show(args) => show(args),
    }
}

fn show(args: &cli::Show) -> Result<Exit, Failure> {
    let documents = cli::Documents { config: args.files.clone(), param: args.param.clone() };
    let estate = documents::read(&documents)?;
    documents::tell(&estate.warnings, usize::MAX);
    let text = if args.json { file::write(&estate.picture) } else { Tree::new(&estate).text() };
    crate::print(|out| {
        out.extend_from_slice(text.as_bytes());
        Ok(())
    })
}

/// What the documents say, to be drawn.
struct Tree<'e> {
    estate: &'e Estate,
    enis: HashMap<&'e str, &'e Eni>,
    filters: HashMap<Named<'e>, &'e KnownFilter>,
}

/// Id and name.
type Named<'e> = (Option<&'e str>, Option<&'e str>);

impl<'e> Tree<'e> {
    fn new(estate: &'e Estate) -> Tree<'e> {
        let enis = estate.enis.iter().filter_map(|eni| Some((eni.id.as_deref()?, eni)));
        let named = |one: &'e KnownFilter| (one.filter.id.as_deref(), one.filter.name.as_deref());
        Tree {
            estate,
            enis: enis.collect(),
            filters: estate.filters.iter().map(|one| (named(one), one)).collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if self.estate.picture.sessions().is_empty() {
            text += "no session in the documents\n";
        }
        for (eni, sessions) in self.by_eni() {
            text += &match eni {
                Some(eni) => eni_line(eni),
                None => "network interface not known\n".to_owned(),
            };
            for session in sessions {
                self.session(session, &mut text);
            }
        }
        let used: HashSet<usize> =
            self.estate.sessions.iter().filter_map(|session| session.filter).collect();
        let unused = self.estate.filters.iter().enumerate();
        let unused: Vec<_> =
            unused.filter(|(at, _)| !used.contains(at)).map(|(_, one)| one).collect();
        if !unused.is_empty() {
            text += "filters of no session\n";
        }
        for one in unused {
            let filter = &one.filter;
            let line = line([
                titled(filter.id.as_deref(), filter.name.as_deref()),
                quoted(filter.description.as_deref()),
                Some(rules(one)),
            ]);
            let _ = writeln!(text, "  {line}");
        }
        text
    }

    /// The source interfaces in the order of their ids, each with its sessions in the order of
    /// their numbers.
    fn by_eni(&self) -> Vec<(Option<&'e Eni>, Vec<&'e KnownSession>)> {
        let mut groups: Vec<(Option<&Eni>, Vec<&KnownSession>)> = Vec::new();
        let mut places: HashMap<Option<&Eni>, usize> = HashMap::new();
        for session in self.estate.picture.sessions() {
            let eni = session.eni.as_ref();
            let place = *places.entry(eni).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, sessions)) => sessions.push(session),
                None => groups.push((eni, vec![session])),
            }
        }
        groups
    }

    fn session(&self, session: &KnownSession, text: &mut String) {
        let number = session.number.map(|number| format!(" {number}")).unwrap_or_default();
        let line = line([
            titled(session.id.as_deref(), session.name.as_deref()),
            quoted(session.description.as_deref()),
            Some(session.vni.map_or("VNI not known".to_owned(), |vni| format!("VNI {vni}"))),
            session.packet_length.map(|len| format!("PacketLength {len}")),
        ]);
        // Writing to a String can't fail.
        let _ = writeln!(text, "  session{number}: {line}");
        if let Some(target) = &session.target {
            let _ = writeln!(text, "    target: {}", self.target(target));
        }
        if let Some(filter) = &session.filter {
            let _ = writeln!(text, "    filter: {}", self.filter(filter));
        }
    }

    fn target(&self, target: &Target) -> String {
        let kind = target.kind.as_ref().map(|kind| match kind {
            TargetKind::NetworkInterface(id) => {
                let eni = self.enis.get(id.as_str());
                let addresses = eni.map(|eni| texts(&eni.addresses)).unwrap_or_default();
                format!("network interface {} {addresses}", printable(id)).trim_end().to_owned()
            }
            TargetKind::NetworkLoadBalancer(arn) => {
                format!("Network Load Balancer {}", printable(arn))
            }
            TargetKind::GatewayLoadBalancerEndpoint(id) => {
                format!("Gateway Load Balancer endpoint {}", printable(id))
            }
        });
        line([
            titled(target.id.as_deref(), target.name.as_deref()),
            quoted(target.description.as_deref()),
            kind,
        ])
    }

    fn filter(&self, filter: &FilterName) -> String {
        let (id, name) = (filter.id.as_deref(), filter.name.as_deref());
        line([
            titled(id, name),
            quoted(filter.description.as_deref()),
            self.filters.get(&(id, name)).map(|one| rules(one)),
        ])
    }
}

fn eni_line(eni: &Eni) -> String {
    let line = line([
        titled(eni.id.as_deref(), eni.name.as_deref()),
        quoted(eni.description.as_deref()),
        eni.mac.map(|mac| mac.to_string()),
        (!eni.addresses.is_empty()).then(|| texts(&eni.addresses)),
        (!eni.prefixes.is_empty()).then(|| texts(&eni.prefixes)),
    ]);
    format!("{line}\n")
}

fn rules(one: &KnownFilter) -> String {
    let of = |direction: Direction| {
        one.filter.rules.iter().filter(|rule| rule.direction == direction).count() as u64
    };
    let ingress = counted(of(Direction::Ingress), "ingress rule", "ingress rules");
    let egress = counted(of(Direction::Egress), "egress rule", "egress rules");
    let dns = if one.filter.amazon_dns { ", amazon-dns" } else { "" };
    format!("{ingress}, {egress}{dns}")
}

fn texts<T: ToString>(list: &[T]) -> String {
    list.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

/// The parts that are there.
fn line<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
