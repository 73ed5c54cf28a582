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

use mirror_aws::{Estate, FilteredSession, KnownFilter, Open};
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
    documents::tell(&documents::warnings(&estate, |_| true), usize::MAX);
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
    /// What isn't known.
    open: HashSet<Open>,
}

/// An interface, and the document that it is of, if it has no id: a name of a template or plan is
/// nobody's in another.
type Source<'e> = (Option<&'e Eni>, Option<&'e str>);

impl<'e> Tree<'e> {
    fn new(estate: &'e Estate) -> Tree<'e> {
        let enis = estate.enis.iter().filter_map(|eni| Some((eni.id.as_deref()?, eni)));
        let open = estate.unresolved.iter().map(|one| one.leaves).collect();
        Tree { estate, enis: enis.collect(), open }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if self.estate.picture.sessions().is_empty() {
            text += "no session in the documents\n";
        }
        for ((eni, _), sessions) in self.by_eni() {
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
        let unused: Vec<_> = unused.filter(|(at, _)| !used.contains(at)).collect();
        if !unused.is_empty() {
            text += "filters of no session\n";
        }
        for (at, one) in unused {
            let filter = &one.filter;
            let line = line([
                titled(filter.id.as_deref(), filter.name.as_deref()),
                quoted(filter.description.as_deref()),
                Some(self.rules(at, one)),
            ]);
            let _ = writeln!(text, "  {line}");
        }
        text
    }

    /// The source interfaces in the order of their ids, each with its sessions in the order of
    /// their numbers.
    fn by_eni(&self) -> Vec<(Source<'e>, Vec<&'e FilteredSession>)> {
        let mut all: Vec<&FilteredSession> = self.estate.sessions.iter().collect();
        all.sort_by_key(|one| {
            let KnownSession { id, name, number, eni, .. } = &one.session;
            (eni.as_ref().and_then(|eni| eni.id.as_deref()), number, id, name)
        });
        let mut groups: Vec<(Source<'_>, Vec<&FilteredSession>)> = Vec::new();
        let mut places: HashMap<Source<'_>, usize> = HashMap::new();
        for one in all {
            let eni = one.session.eni.as_ref();
            let has_id = eni.is_none_or(|eni| eni.id.is_some());
            let source = (eni, (!has_id).then_some(one.place.document.as_str()));
            let place = *places.entry(source).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, sessions)) => sessions.push(one),
                None => groups.push((source, vec![one])),
            }
        }
        groups
    }

    fn session(&self, one: &FilteredSession, text: &mut String) {
        let session = &one.session;
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
            let _ = writeln!(text, "    filter: {}", self.filter(filter, one));
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

    fn filter(&self, filter: &FilterName, of: &FilteredSession) -> String {
        let known = of.filter.and_then(|at| Some(self.rules(at, self.estate.filters.get(at)?)));
        line([
            titled(filter.id.as_deref(), filter.name.as_deref()),
            quoted(filter.description.as_deref()),
            known,
        ])
    }

    /// How many rules a filter has, if that is known.
    fn rules(&self, at: usize, one: &KnownFilter) -> String {
        let is_open = self.open.contains(&Open::AnyFilter) || self.open.contains(&Open::Filter(at));
        if is_open { "rules not known".to_owned() } else { rules(one) }
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
