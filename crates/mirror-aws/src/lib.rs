#![forbid(unsafe_code)]
//! The documents that people have of their mirror sessions, read into sessions and filters.
//!
//! Nobody writes down twice what AWS, a template or a plan says already. So these are read, whole
//! or in parts, several together, and what they are is found from their content:
//!
//! | Document | Rules to filters by | Places |
//! |---|---|---|
//! | answers of `aws ec2 describe-traffic-mirror-{filters,filter-rules,sessions,targets}` and `describe-network-interfaces`, also paged or cut by `--query` | ids | line, path |
//! | CloudFormation templates in YAML or JSON, of the CDK too | names in the template, ids | line, path |
//! | `terraform show -json`, of a state or plan | ids, or the configuration of the plan | line, path, address of the resource |
//! | sessions files (`mirror-pcap/sessions/1`) | – | path |
//!
//! [`read`] takes names and bytes, opens no file, and gives an [`Estate`]: filters, sessions and
//! interfaces, joined. Two rules stand above all others here. What a rule says is never guessed: a
//! value that can't be known is [`Unresolved`], names what to give, and says what rests on it, for
//! read as a wildcard it would claim packets that were never mirrored. And nothing that matters is
//! passed over: a field that isn't known, a rule without its filter, a page that is missing are said.
//!
//! ```
//! use mirror_aws::{Document, Open, Parameters, read};
//!
//! let template = "
//! Parameters:
//!   Vpc: { Type: String }
//! Resources:
//!   Web: { Type: 'AWS::EC2::TrafficMirrorFilter' }
//!   In:
//!     Type: AWS::EC2::TrafficMirrorFilterRule
//!     Properties:
//!       TrafficMirrorFilterId: !Ref Web
//!       TrafficDirection: ingress
//!       RuleNumber: 100
//!       RuleAction: accept
//!       SourceCidrBlock: 0.0.0.0/0
//!       DestinationCidrBlock: !Ref Vpc
//! ";
//! let documents = [Document { name: "web.yaml", bytes: template.as_bytes() }];
//! let estate = read(&documents, &Parameters::new())?;
//! let range = &estate.unresolved[0];
//! assert_eq!(range.leaves, Open::Filter(0));
//! assert_eq!(
//!     range.error().to_string(),
//!     "web.yaml:14: /Resources/In/Properties/DestinationCidrBlock: unresolved: parameter \"Vpc\" \
//!      has no default; give --param Vpc=VALUE"
//! );
//!
//! let mut params = Parameters::new();
//! params.add("Vpc=10.0.0.0/16")?;
//! let estate = read(&documents, &params)?;
//! assert_eq!(
//!     estate.filters[0].filter.rules[0].to_string(),
//!     "ingress 100 accept all 0.0.0.0/0 > 10.0.0.0/16"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Documents are hostile input: at most 64 MiB long, 128 levels deep and of two million values, with
//! a bound on what aliases, functions and shared interfaces may multiply; any bytes give an answer or an error with its place, and no
//! text of theirs reaches a message unescaped.

mod at;
mod cloudformation;
mod describe;
mod document;
mod estate;
pub mod expectations;
pub mod export;
mod node;
mod params;
mod problem;
mod raw;
mod template;
mod terraform;
mod unresolved;

pub use document::Document;
pub use estate::{Estate, FilteredSession, KnownFilter};
pub use params::{ParameterError, Parameters};
pub use problem::{Mistake, Place, Problem, Problems, Severity, Told, once};
pub use unresolved::{Field, Open, Unresolved};

/// Read documents, and join what they say.
///
/// The error has the problems of all documents, warnings among them.
pub fn read(documents: &[Document<'_>], params: &Parameters) -> Result<Estate, Problems> {
    let mut problems = Problems::default();
    let mut contents = document::Contents::default();
    for (index, one) in documents.iter().enumerate() {
        // The same file given twice says nothing more, and its resources without ids would clash.
        let again = documents.iter().take(index).any(|before| before.bytes == one.bytes);
        if !again {
            document::read(index, one, params, &mut contents, &mut problems);
        }
    }
    let mut estate = estate::join(contents, &mut problems);
    // A document that could not be read may have asked for it.
    if problems.errors() == 0 && !params.is_shared() {
        for name in params.unasked() {
            let message = format!("found --param {name}, which no document asks for");
            problems.push(Problem::error(Place::default(), message));
        }
    }
    if problems.errors() > 0 {
        return Err(problems);
    }
    estate.warnings = problems.into_warnings();
    Ok(estate)
}
