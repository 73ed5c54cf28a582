//! What is simulated: interfaces, their sessions in order, and the filter of each.
//!
//! With `--config` these are all sessions that the documents know, or those asked for. With
//! `--filter` it is one interface with one session that exists nowhere: what if? Either way each
//! packet is of an interface that stands here, or of none. Everything that could not be told of a
//! packet later, because a document doesn't say it, is an error now.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    ptr,
    rc::Rc,
};

use anyhow::anyhow;
use mirror_aws::{Estate, Field, KnownFilter, Open};
use mirror_filter::{Cidr, Compiled, Rule, Services};
use mirror_session::{Eni, KnownSession, Prefix};
use mirror_wire::Mac;

use super::ends::Ends;
use crate::{
    cli,
    documents::{called, demand, titled},
    failure::{Failure, printable},
    number::counted,
};

/// Sessions that a complaint lists.
const MAX_LISTED: usize = 10;

/// All that packets are held against.
pub(super) struct Scene<'e> {
    pub(super) sources: Vec<Source<'e>>,
    pub(super) services: Services,
    ends: Ends,
    /// The interface of each session of the picture that is of one: asked for every packet, so not
    /// by what the session says, but by where it stands.
    of_sessions: HashMap<*const KnownSession, usize>,
}

/// A mirrored interface.
pub(super) struct Source<'e> {
    /// What is its own, by the documents and the options together.
    pub(super) eni: Eni,
    /// As the documents have it, by which a session of the capture finds it; none if they don't.
    described: Option<&'e Eni>,
    /// In the order in which they are asked.
    pub(super) sessions: Vec<Session<'e>>,
    /// The filters of the same.
    pub(super) filters: Vec<Rc<Compiled>>,
}

impl Source<'_> {
    /// Whether it is that of `--filter`.
    fn is_asked_about(&self) -> bool {
        self.sessions.iter().all(|session| session.known.is_none())
    }
}

/// A session of an interface.
pub(super) struct Session<'e> {
    /// None for the one of `--filter`.
    pub(super) known: Option<&'e KnownSession>,
    pub(super) filter: &'e KnownFilter,
    /// Of this and all sources, the number of its first rule.
    pub(super) first_rule: usize,
}

impl<'e> Session<'e> {
    /// The rule with this index in its filter.
    pub(super) fn rule(&self, index: usize) -> Option<&'e Rule> {
        self.filter.filter.rules.get(index)
    }

    /// The most that it mirrors of a frame. Two limits of one target are those of IPv4 and IPv6;
    /// the lower one is safe.
    pub(super) fn limit(&self) -> Option<u32> {
        self.known?.cuts().into_iter().min()
    }

    pub(super) fn id(&self) -> Option<&'e str> {
        self.known?.id.as_deref()
    }

    pub(super) fn name(&self) -> Option<&'e str> {
        self.known?.name.as_deref()
    }

    /// What its filter is called: its id or, failing that, what its document calls it.
    pub(super) fn filter_name(&self) -> Option<&'e str> {
        let KnownFilter { filter, label, .. } = self.filter;
        filter.id.as_deref().or(label.as_deref()).or(filter.name.as_deref())
    }
}

impl<'e> Scene<'e> {
    /// All sessions of the documents that are asked for.
    pub(super) fn of_documents(
        args: &cli::Simulate,
        estate: &'e Estate,
    ) -> Result<Scene<'e>, Failure> {
        let mut sessions: Vec<_> = estate.sessions.iter().enumerate().collect();
        for wanted in &args.session {
            let is = |session: &KnownSession| is_called(session, wanted);
            if !sessions.iter().any(|(_, one)| is(&one.session)) {
                let known = list(estate.sessions.iter().map(|one| &one.session));
                return Err(usage(format!(
                    "--session {}: not in the documents, which have {known}",
                    printable(wanted)
                )));
            }
        }
        if !args.session.is_empty() {
            sessions.retain(|(_, one)| args.session.iter().any(|id| is_called(&one.session, id)));
        }
        // An interface that is not known may be that of any other session, or the one asked about.
        let shares = sessions.len() > 1 || args.eni.is_some();
        let interfaces: HashSet<Open> = sessions
            .iter()
            .filter(|_| shares)
            .map(|(at, _)| Open::Session(*at, Field::Interface))
            .collect();
        if let Some(wanted) = &args.eni {
            eni(args, estate)?;
            let is = |eni: &Eni| eni.id.as_ref() == Some(wanted);
            sessions.retain(|(_, one)| one.session.eni.as_ref().is_some_and(is));
        }
        let asked: HashSet<Open> = sessions
            .iter()
            .flat_map(|(at, one)| {
                let rules = one.filter.map(Open::Filter);
                rules.into_iter().chain([Open::Session(*at, Field::PacketLength)])
            })
            .chain([Open::AnyFilter])
            .chain(interfaces)
            // One more may take the packets of those that are there.
            .chain(args.session.is_empty().then_some(Open::SessionItself))
            .collect();
        demand(estate, |open| asked.contains(&open))?;
        if sessions.is_empty() {
            return Err(usage("--config: the documents have no session to simulate".to_owned()));
        }

        let mut filters = Filters::default();
        let mut sources: Vec<Source<'e>> = Vec::new();
        let mut places: HashMap<&Eni, usize> = HashMap::new();
        sessions.sort_by_key(|(_, one)| one.session.number);
        let mut without = Vec::new();
        for (_, one) in sessions {
            let Some(index) = one.filter else {
                without.push(&one.session);
                continue;
            };
            let described = one.session.eni.as_ref();
            // Of two interfaces that no document knows nobody can say that they are one.
            let new = sources.len();
            let place = described.map_or(new, |eni| *places.entry(eni).or_insert(new));
            if place == sources.len() {
                let eni = described.cloned().unwrap_or_default();
                let (sessions, filters) = (Vec::new(), Vec::new());
                sources.push(Source { eni, described, sessions, filters });
            }
            if let (Some(source), Some(filter)) =
                (sources.get_mut(place), estate.filters.get(index))
            {
                source.filters.push(filters.compile(index, filter)?);
                source.sessions.push(Session { known: Some(&one.session), filter, first_rule: 0 });
            }
        }
        if !without.is_empty() {
            return Err(usage(format!(
                "no document describes the filter of {}; --session names those to simulate",
                list(without.into_iter())
            )));
        }
        let unordered: Vec<_> = sources
            .iter()
            .filter(|source| source.sessions.len() > 1)
            .flat_map(|source| &source.sessions)
            .filter_map(|session| session.known)
            .filter(|known| known.number.is_none())
            .collect();
        if !unordered.is_empty() {
            return Err(usage(format!(
                "of an interface with several sessions one has no number, by which they are asked: \
                 {}",
                list(unordered.into_iter())
            )));
        }
        Scene::new(args, estate, sources)
    }

    /// One interface with this filter.
    pub(super) fn of_filter(
        args: &cli::Simulate,
        estate: &'e Estate,
        filter: &'e KnownFilter,
    ) -> Result<Scene<'e>, Failure> {
        let described = eni(args, estate)?;
        let source = Source {
            eni: described.cloned().unwrap_or_default(),
            described: None,
            sessions: vec![Session { known: None, filter, first_rule: 0 }],
            filters: vec![Filters::default().compile(0, filter)?],
        };
        Scene::new(args, estate, vec![source])
    }

    fn new(
        args: &cli::Simulate,
        estate: &'e Estate,
        mut sources: Vec<Source<'e>>,
    ) -> Result<Scene<'e>, Failure> {
        let given = args.mac.is_some() || !args.local.is_empty();
        let count = sources.len();
        match sources.as_mut_slice() {
            [source] => {
                source.eni.mac = args.mac.or(source.eni.mac);
                let prefix = |cidr: &Cidr| Prefix::new(cidr.address(), cidr.prefix_len());
                source.eni.prefixes.extend(args.local.iter().filter_map(prefix));
            }
            _ if given => {
                let count = counted(count as u64, "interface", "interfaces");
                return Err(usage(format!(
                    "--mac and --local are of one interface, and the documents have sessions of \
                     {count}; name one with --eni"
                )));
            }
            _ => {}
        }
        let mut rules = 0;
        for session in sources.iter_mut().flat_map(|source| &mut source.sessions) {
            session.first_rule = rules;
            rules += session.filter.filter.rules.len();
        }
        let of_sessions = of_sessions(&sources, estate.picture.sessions());
        let ends = Ends::new(sources.iter().map(|source| &source.eni));
        Ok(Scene { sources, services: Services::new(&args.vpc), ends, of_sessions })
    }

    /// The number of rules, of all sessions together.
    pub(super) fn rules(&self) -> usize {
        let sessions = self.sources.iter().flat_map(|source| &source.sessions);
        sessions.map(|session| session.filter.filter.rules.len()).sum()
    }

    /// The only interface, if there is only one.
    pub(super) fn only(&self) -> Option<usize> {
        (self.sources.len() == 1).then_some(0)
    }

    /// The interface of a session that was found in the documents.
    pub(super) fn of_session(&self, session: &KnownSession) -> Option<usize> {
        self.of_sessions.get(&ptr::from_ref(session)).copied()
    }

    /// The interface of a session that was not: the only one, unless the documents tell all its
    /// sessions and this is another.
    pub(super) fn of_unknown_session(&self) -> Option<usize> {
        let may_have_others = |source: &Source<'_>| {
            let vnis = source.sessions.iter().map(|session| session.known?.vni);
            vnis.into_iter().any(|vni| vni.is_none())
        };
        self.only().filter(|_| self.sources.iter().all(may_have_others))
    }

    /// The interface with this id.
    pub(super) fn of_id(&self, id: &str) -> Option<usize> {
        self.ends.of_id(id)
    }

    /// Whether one of the interfaces has this MAC.
    pub(super) fn has_mac(&self, mac: Mac) -> bool {
        self.ends.has_mac(mac)
    }

    /// The interfaces that have one of these ends, each once, in order.
    pub(super) fn at(
        &self,
        macs: Option<(Mac, Mac)>,
        addresses: Option<(IpAddr, IpAddr)>,
    ) -> impl Iterator<Item = usize> + use<> {
        let [a, b] = macs.map_or([None; 2], |(a, b)| [a, b].map(|mac| self.ends.of_mac(mac)));
        let of_address = |address| self.ends.of_address(address);
        let [c, d] = addresses.map_or([None; 2], |(c, d)| [c, d].map(of_address));
        let mut found = [a, b, c, d];
        found.sort_unstable();
        let mut before = None;
        let is_new = move |one: &Option<usize>| before.replace(*one) != Some(*one);
        found.into_iter().filter(is_new).flatten()
    }
}

/// Which of the sources each of the sessions is of.
fn of_sessions(
    sources: &[Source<'_>],
    sessions: &[KnownSession],
) -> HashMap<*const KnownSession, usize> {
    let (mut of_enis, mut without_eni) = (HashMap::new(), HashMap::new());
    for (at, source) in sources.iter().enumerate() {
        if let Some(eni) = source.described {
            of_enis.entry(eni).or_insert(at);
            continue;
        }
        for known in source.sessions.iter().filter_map(|session| session.known) {
            without_eni.entry(known).or_insert(at);
        }
    }
    let of = |session: &KnownSession| match (sources, &session.eni) {
        // With --filter it is the one that is asked about, whatever its sessions are, unless that
        // was named and is another.
        ([only], eni) if only.is_asked_about() => {
            let ids = (eni.as_ref().and_then(|eni| eni.id.as_ref()), only.eni.id.as_ref());
            let is_another = matches!(ids, (Some(id), Some(named)) if id != named);
            (!is_another).then_some(0)
        }
        (_, Some(eni)) => of_enis.get(eni).copied(),
        (_, None) => without_eni.get(session).copied(),
    };
    sessions.iter().filter_map(|session| Some((ptr::from_ref(session), of(session)?))).collect()
}

/// Filters that are compiled already; many sessions share one.
#[derive(Default)]
struct Filters(HashMap<usize, Rc<Compiled>>);

impl Filters {
    fn compile(&mut self, index: usize, known: &KnownFilter) -> Result<Rc<Compiled>, Failure> {
        if let Some(compiled) = self.0.get(&index) {
            return Ok(Rc::clone(compiled));
        }
        let compiled = known.filter.compile().map_err(|faults| {
            let mut text = format!("filter {}: ", called(known));
            text += &counted(faults.len() as u64, "problem", "problems");
            for fault in &faults {
                text += &format!("\n  {fault}");
            }
            usage(text)
        })?;
        let compiled = Rc::new(compiled);
        self.0.insert(index, Rc::clone(&compiled));
        Ok(compiled)
    }
}

/// The interface of `--eni`.
fn eni<'e>(args: &cli::Simulate, estate: &'e Estate) -> Result<Option<&'e Eni>, Failure> {
    let Some(wanted) = &args.eni else { return Ok(None) };
    let is = |eni: &&Eni| eni.id.as_ref() == Some(wanted);
    let of_sessions = estate.picture.sessions().iter().filter_map(|session| session.eni.as_ref());
    match estate.enis.iter().find(is).or(of_sessions.into_iter().find(is)) {
        Some(eni) => Ok(Some(eni)),
        None => Err(usage(format!(
            "--eni {}: no document describes it; --mac and --local say what is its own",
            printable(wanted)
        ))),
    }
}

fn is_called(session: &KnownSession, text: &str) -> bool {
    [&session.id, &session.name].into_iter().flatten().any(|name| name == text)
}

fn list<'s>(sessions: impl Iterator<Item = &'s KnownSession>) -> String {
    let names: Vec<String> = sessions
        .map(|session| titled(session.id.as_deref(), session.name.as_deref()))
        .map(|title| title.unwrap_or_else(|| "one without a name".to_owned()))
        .collect();
    let shown: Vec<&str> = names.iter().take(MAX_LISTED).map(String::as_str).collect();
    match names.len().saturating_sub(MAX_LISTED) {
        _ if names.is_empty() => "no session".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn usage(text: String) -> Failure {
    Failure::usage(anyhow!(text))
}
