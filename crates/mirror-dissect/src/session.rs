//! A session as it is shown: its texts, made once.

use std::net::IpAddr;

use mirror_session::{Annotation, KnownSession, SessionKey};
use mirror_wire::Vni;

use crate::Text;

/// What is shown of the session of a packet. What isn't known is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The VXLAN network identifier.
    pub vni: Vni,
    /// The source address of the IP header that was right outside VXLAN.
    pub source: IpAddr,
    /// `tms-…`.
    pub id: Option<Text>,
    /// Its tag `Name`, or its place in a template.
    pub name: Option<Text>,
    /// The session number.
    pub number: Option<u16>,
    /// The source ENI's id.
    pub eni: Option<Text>,
    /// The mirror target's id.
    pub target: Option<Text>,
    /// The mirror filter's id.
    pub filter: Option<Text>,
    /// The Gateway Load Balancer endpoint that the packet came through.
    pub endpoint: Option<Text>,
    /// What it is called where there is room for one word: its name, else its id, else
    /// `vni-308308@10.0.1.15`.
    pub title: Text,
    /// The title and the key, for where sessions are told apart by it alone: many have the same
    /// name, such as those of one template.
    pub label: Text,
}

impl Session {
    /// The session that an annotation speaks of. Where it is silent, `known` speaks.
    pub(crate) fn of_annotation(annotation: &Annotation, known: Option<&KnownSession>) -> Session {
        let mut all = Annotation::of(&annotation.key());
        if let Some(known) = known {
            known.annotate(&mut all);
        }
        let Annotation { session, name, number, eni, target, filter, .. } = annotation;
        put(session, &mut all.session);
        put(name, &mut all.name);
        put(number, &mut all.number);
        put(eni, &mut all.eni);
        put(target, &mut all.target);
        put(filter, &mut all.filter);
        Session::new(&all)
    }

    /// The session with this key.
    pub(crate) fn of_key(key: &SessionKey, known: Option<&KnownSession>) -> Session {
        Session::of_annotation(&Annotation::of(key), known)
    }

    fn new(all: &Annotation) -> Session {
        let text =
            |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(Text::new);
        let (id, name) = (text(&all.session), text(&all.name));
        let key = all.key();
        let called = [&all.name, &all.session].into_iter().flatten().find(|text| !text.is_empty());
        let (title, label) = match called {
            Some(called) => (Text::new(called), Text::new(&format!("{called} ({key})"))),
            None => (Text::new(&key.to_string()), Text::new(&key.to_string())),
        };
        Session {
            vni: all.vni,
            source: all.source,
            number: all.number,
            eni: text(&all.eni),
            target: text(&all.target),
            filter: text(&all.filter),
            endpoint: all.endpoint.map(|endpoint| Text::new(&endpoint.to_string())),
            title,
            label,
            id,
            name,
        }
    }
}

fn put<T: Clone>(said: &Option<T>, field: &mut Option<T>) {
    if said.is_some() {
        field.clone_from(said);
    }
}
