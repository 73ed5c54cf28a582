//! What the resources of a plan will refer to once their ids are known.
//!
//! A plan repeats the configuration, and in it each argument of each resource has the list of what
//! its expression refers to: `aws_ec2_traffic_mirror_filter.web.id`, also `var.filter_id` inside of
//! a module, which the call of the module explains (`module_calls.….expressions`), and
//! `module.mirror.filter_id`, which an output does. References have no index unless it is written
//! as a number or text, so among several instances of one resource the one is meant that
//!
//! 1. has the index that was written,
//! 2. is in the same instance of the module,
//! 3. has the index of the resource that refers to it, where the expression uses `each` or `count`.
//!
//! Locals are not repeated. Where nothing is found and the module has just one resource of the
//! kind, it is that one; else it is an error and never a guess.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use super::address::{Address, Step, steps};
use super::{At, Resource};
use crate::node::{Node, NodeKind};

/// How many references are followed for one field. Modules nest a few levels deep.
const MAX_STEPS: usize = 200;

/// How many instances are looked at for all fields of a plan. An account may have 10,000 filters of
/// 10 rules, and where all of them are instances of two resources each rule looks at each filter.
const MAX_LOOKS: usize = 2_000_000_000;

/// The configuration of a plan, and what it plans.
pub(super) struct Configuration<'n> {
    /// Its modules, by the names of the calls that lead there.
    modules: HashMap<Vec<String>, &'n Node>,
    /// Its resources.
    resources: HashMap<Bare, &'n Node>,
    /// What isn't known yet, by the address of the resource.
    unknown: HashMap<String, &'n Node>,
    /// The resources that will be, by their kind, name and modules without indexes.
    planned: HashMap<Bare, Vec<Address>>,
    /// The resources that will be in a module, by their kind.
    in_module: HashMap<(String, String), Vec<Address>>,
    /// How many more instances are looked at.
    looks: Cell<usize>,
}

/// A resource as the configuration names it, all its instances together: kind, name, and the names
/// of its modules.
type Bare = (String, String, Vec<String>);

fn bare(address: &Address) -> Bare {
    let modules = address.modules.iter().map(|module| module.name.clone()).collect();
    (address.kind.clone(), address.own.name.clone(), modules)
}

/// The modules of an address, as text.
fn module_text(modules: &[Step]) -> String {
    modules.iter().map(|module| format!("module.{module}.")).collect()
}

impl<'n> Configuration<'n> {
    /// Of a plan, with the resources of ours that it plans.
    pub(super) fn new(plan: &At<'n>, resources: &[Resource<'n>]) -> Configuration<'n> {
        let plan = plan.node();
        let mut unknown = HashMap::new();
        for change in plan.get("resource_changes").map(Node::items).unwrap_or_default() {
            let address = change.get("address").and_then(Node::as_str);
            let after = change.get("change").and_then(|change| change.get("after_unknown"));
            if let (Some(address), Some(after)) = (address, after) {
                unknown.insert(address.to_owned(), after);
            }
        }
        let mut planned: HashMap<Bare, Vec<Address>> = HashMap::new();
        let mut in_module: HashMap<_, Vec<Address>> = HashMap::new();
        for Resource { address, .. } in resources {
            planned.entry(bare(address)).or_default().push(address.clone());
            let module = (address.kind.clone(), module_text(&address.modules));
            in_module.entry(module).or_default().push(address.clone());
        }
        let (mut modules, mut configured) = (HashMap::new(), HashMap::new());
        if let Some(root) = plan.get("configuration").and_then(|all| all.get("root_module")) {
            index(root, &mut Vec::new(), &mut modules, &mut configured);
        }
        let looks = Cell::new(MAX_LOOKS);
        Configuration { modules, resources: configured, unknown, planned, in_module, looks }
    }

    /// The fields of a resource that aren't known yet.
    pub(super) fn unknown(&self, address: &Address) -> Vec<&'n str> {
        let Some(after) = self.unknown.get(&address.to_string()) else { return Vec::new() };
        let is_unknown = |node: &Node| node.kind == NodeKind::Bool(true);
        let fields = after.entries().iter().filter(|entry| is_unknown(&entry.value));
        fields.map(|entry| entry.key.as_str()).collect()
    }

    /// Whether the configuration gives a field of the resource.
    pub(super) fn has(&self, resource: &Resource<'_>, field: &str) -> bool {
        self.expression(&bare(&resource.address), field).is_some()
    }

    /// What a field of the resource will name: a resource of one of these kinds (of any, if there
    /// are none), or nothing that can be known.
    pub(super) fn resolve(&self, resource: &Resource<'_>, field: &str, kinds: &[&str]) -> NodeKind {
        let address = &resource.address;
        let of = bare(address);
        let mut found = match self.expression(&of, field) {
            Some(expression) => self.follow(expression, address),
            None => Vec::new(),
        };
        found.retain(|one| kinds.is_empty() || kinds.contains(&one.of.0.as_str()));
        // Kinds of which nothing is read have no instances to choose from.
        if kinds.is_empty()
            && let Some(Meant { of: (kind, name, _), .. }) = found.first()
        {
            return NodeKind::Resource(format!("{kind}.{name}"));
        }
        let mut instances: Vec<&Address> = Vec::new();
        for meant in &found {
            instances.extend(meant.among(self.look(self.planned.get(&meant.of))));
        }
        if found.is_empty() {
            let module = module_text(&address.modules);
            for kind in kinds {
                let in_module = self.in_module.get(&((*kind).to_owned(), module.clone()));
                instances.extend(self.look(in_module));
            }
        }
        let mut seen = HashSet::new();
        instances.retain(|&one| seen.insert(std::ptr::from_ref(one)));
        let near = |one: &&Address| shared(&one.modules, &address.modules);
        if let Some(most) = instances.iter().map(near).max() {
            instances.retain(|one| near(one) == most);
        }
        match instances.as_slice() {
            [one] => NodeKind::Resource(one.to_string()),
            several => {
                let count = several.len();
                let kinds = kinds.join(" or ");
                let why = format!(
                    "it is known only after the plan is applied, and of the {kinds} in the plan \
                     {count} may be meant"
                );
                NodeKind::Unresolved { why, param: None }
            }
        }
    }

    /// Some instances, while there are looks left.
    fn look<'a>(&self, all: Option<&'a Vec<Address>>) -> &'a [Address] {
        let all = all.map(Vec::as_slice).unwrap_or_default();
        self.looks.set(self.looks.get().saturating_sub(all.len()));
        if self.looks.get() == 0 { &[] } else { all }
    }

    /// The expression of an argument of a resource.
    fn expression(&self, of: &Bare, field: &str) -> Option<&'n Node> {
        self.resources.get(of)?.get("expressions")?.get(field)
    }

    /// What an expression of the resource with this address refers to.
    fn follow(&self, expression: &'n Node, address: &Address) -> Vec<Meant> {
        let mut found: Vec<Meant> = Vec::new();
        // An expression, the modules that it stands in, the index that `each` and `count` have
        // there, and the index that led there.
        let own = (expression, bare(address).2, address.own.index.clone(), None);
        let mut left = vec![own];
        let mut seen: HashSet<(String, Vec<String>)> = HashSet::new();
        while let Some((expression, modules, index, led)) = left.pop() {
            let references = expression.get("references").map(Node::items).unwrap_or_default();
            let references: Vec<&str> = references.iter().filter_map(Node::as_str).collect();
            let repeats = |one: &&str| one.starts_with("each.") || one.starts_with("count.");
            let same = if references.iter().any(repeats) { index } else { led };
            for reference in references {
                let is_new =
                    seen.len() < MAX_STEPS && seen.insert((reference.to_owned(), modules.clone()));
                if !is_new {
                    continue;
                }
                match steps(reference).as_slice() {
                    [var, variable, ..] if var.name == "var" => {
                        // `each` in the call of a module is of the module.
                        let call = address.modules.get(modules.len().saturating_sub(1));
                        let index = call.and_then(|call| call.index.clone());
                        let argument = self.argument(&modules, &variable.name);
                        left.extend(argument.map(|(node, modules)| (node, modules, index, None)));
                    }
                    [module, call, output, ..] if module.name == "module" => {
                        let output = self.output(&modules, &call.name, &output.name);
                        let same = same.clone();
                        left.extend(output.map(|(node, modules)| (node, modules, None, same)));
                    }
                    _ => {
                        let Some(Address { kind, own, .. }) = Address::parse(reference) else {
                            continue;
                        };
                        let of = (kind, own.name, modules.clone());
                        // The list has `f[0].id`, `f[0]` and `f`, from most to least said.
                        let said = |one: &Meant| {
                            one.of == of && (own.index.is_none() || one.index == own.index)
                        };
                        if !found.iter().any(said) {
                            found.push(Meant { of, index: own.index, same: same.clone() });
                        }
                    }
                }
            }
        }
        found
    }

    /// What the call of a module gives for a variable of it, and where the call stands.
    fn argument(&self, modules: &[String], variable: &str) -> Option<(&'n Node, Vec<String>)> {
        let (call, outside) = modules.split_last()?;
        let call = self.modules.get(outside)?.get("module_calls")?.get(call)?;
        Some((call.get("expressions")?.get(variable)?, outside.to_vec()))
    }

    /// What an output of a module called here is, and where it stands.
    fn output(
        &self,
        modules: &[String],
        call: &str,
        output: &str,
    ) -> Option<(&'n Node, Vec<String>)> {
        let inside: Vec<String> =
            modules.iter().map(String::as_str).chain([call]).map(str::to_owned).collect();
        let output = self.modules.get(&inside)?.get("outputs")?.get(output)?;
        Some((output.get("expression")?, inside))
    }
}

/// Index a module of the configuration, and those that it calls.
fn index<'n>(
    module: &'n Node,
    path: &mut Vec<String>,
    modules: &mut HashMap<Vec<String>, &'n Node>,
    resources: &mut HashMap<Bare, &'n Node>,
) {
    modules.insert(path.clone(), module);
    for resource in module.get("resources").map(Node::items).unwrap_or_default() {
        let text = |key: &str| resource.get(key).and_then(Node::as_str);
        if let (Some(kind), Some(name)) = (text("type"), text("name"))
            && text("mode") != Some("data")
        {
            resources.insert((kind.to_owned(), name.to_owned(), path.clone()), resource);
        }
    }
    for call in module.get("module_calls").map(Node::entries).unwrap_or_default() {
        if let Some(called) = call.value.get("module") {
            path.push(call.key.clone());
            index(called, path, modules, resources);
            path.pop();
        }
    }
}

/// Instances of a resource, one of which an expression refers to.
struct Meant {
    of: Bare,
    /// The index, if it was written.
    index: Option<String>,
    /// The index of what refers to it, if the expression uses that.
    same: Option<String>,
}

impl Meant {
    /// Which of all instances of the resource may be meant.
    fn among<'a>(&self, all: &'a [Address]) -> Vec<&'a Address> {
        let written = |one: &&Address| self.index.is_none() || one.own.index == self.index;
        let mut some: Vec<&Address> = all.iter().filter(written).collect();
        if let (None, Some(same)) = (&self.index, &self.same) {
            let shares = |one: &&Address| {
                let modules = one.modules.iter().filter_map(|module| module.index.as_ref());
                modules.chain(&one.own.index).any(|index| index == same)
            };
            // Not every use of `each` is as an index.
            if some.iter().any(shares) {
                some.retain(shares);
            }
        }
        some
    }
}

/// How many modules two resources are in together.
fn shared(one: &[Step], other: &[Step]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}
