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
//! What an index was computed from is not repeated: `f[count.index]` and `f[1 - count.index]` have the
//! same references. `each.key` is seldom computed with, so it is taken for the index; for
//! `count.index`, and `each.value` as it is, that is done with a warning; a part of `each.value`
//! says nothing.
//!
//! Nor are locals repeated. Where an expression has nothing else and the module has just one
//! resource of the kind, it is that one, with a warning. Where it may be anything else, a data
//! source or a resource of another kind, it is an error and never a guess.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use super::address::{Address, Step, steps};
use super::{At, Resource};
use crate::node::{Node, NodeKind};
use crate::problem::Shown;

/// How many references are followed for one field. Modules nest a few levels deep.
const MAX_STEPS: usize = 200;

/// How many references are followed and instances looked at for all fields of a plan. 100,000 rules,
/// more than an account can have, take about a million.
const MAX_LOOKS: usize = 8 << 20;

/// Why what a plan leaves open can't be known, and the way out.
pub(super) const AFTER: &str =
    "it is known only after the plan is applied, from terraform show -json of the state then";

/// The configuration of a plan, and what it plans.
pub(super) struct Configuration<'n> {
    /// Its modules, by the names of the calls that lead there.
    modules: HashMap<Vec<String>, &'n Node>,
    /// Its resources.
    resources: HashMap<Bare, &'n Node>,
    /// What isn't known yet, by the address of the resource.
    unknown: HashMap<String, &'n Node>,
    planned: Planned,
    /// How many more references are followed and instances looked at.
    looks: Cell<usize>,
}

/// The resources that will be. The numbers are those of `all`.
#[derive(Default)]
struct Planned {
    all: Vec<Address>,
    /// By the whole address.
    exact: HashMap<String, usize>,
    /// By kind and instance of the module.
    kinds: HashMap<(String, String), Vec<usize>>,
    /// By kind, name and instance of the module.
    named: HashMap<(String, String, String), Vec<usize>>,
    /// By kind, name and modules without indexes.
    bare: HashMap<Bare, Vec<usize>>,
    /// Those in `bare`, by the number of the first and an index that the address has anywhere.
    indexed: HashMap<(usize, String), Vec<usize>>,
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

impl Planned {
    fn new(resources: &[Resource<'_>]) -> Planned {
        let mut planned = Planned::default();
        for (n, Resource { address, .. }) in resources.iter().enumerate() {
            planned.all.push(address.clone());
            planned.exact.insert(address.to_string(), n);
            let module = module_text(&address.modules);
            planned.kinds.entry((address.kind.clone(), module.clone())).or_default().push(n);
            let named = (address.kind.clone(), address.own.name.clone(), module);
            planned.named.entry(named).or_default().push(n);
            let alike = planned.bare.entry(bare(address)).or_default();
            alike.push(n);
            let first = alike.first().copied().unwrap_or(n);
            let steps = address.modules.iter().chain([&address.own]);
            for index in steps.filter_map(|step| step.index.clone()).collect::<HashSet<_>>() {
                planned.indexed.entry((first, index)).or_default().push(n);
            }
        }
        planned
    }
}

/// What a field of a resource will name.
pub(super) struct Answer {
    /// A resource of the plan, or nothing that can be known.
    pub(super) kind: NodeKind,
    /// What a person should know about the answer.
    pub(super) doubt: Option<String>,
}

impl Answer {
    fn unknown(why: &str) -> Answer {
        let why = if why.is_empty() { AFTER.to_owned() } else { format!("{AFTER}; {why}") };
        Answer { kind: NodeKind::Unresolved { why, param: None }, doubt: None }
    }

    fn resource(name: String, doubt: Option<String>) -> Answer {
        Answer { kind: NodeKind::Resource(name), doubt }
    }
}

impl<'n> Configuration<'n> {
    /// Of a plan, with the resources of ours that it plans.
    pub(super) fn new(plan: &At<'n>, resources: &[Resource<'n>]) -> Configuration<'n> {
        let plan = plan.node();
        let mut unknown = HashMap::new();
        for change in plan.get("resource_changes").map(Node::items).unwrap_or_default() {
            // What is left of an interrupted replacement has the address of what replaces it.
            if change.get("deposed").is_some() {
                continue;
            }
            let address = change.get("address").and_then(Node::as_str);
            let after = change.get("change").and_then(|change| change.get("after_unknown"));
            if let (Some(address), Some(after)) = (address, after) {
                unknown.insert(address.to_owned(), after);
            }
        }
        let (mut modules, mut configured) = (HashMap::new(), HashMap::new());
        if let Some(root) = plan.get("configuration").and_then(|all| all.get("root_module")) {
            index(root, &mut Vec::new(), &mut modules, &mut configured);
        }
        let planned = Planned::new(resources);
        let looks = Cell::new(MAX_LOOKS);
        Configuration { modules, resources: configured, unknown, planned, looks }
    }

    /// The fields of a resource that aren't known yet, in order.
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
    pub(super) fn resolve(&self, resource: &Resource<'_>, field: &str, kinds: &[&str]) -> Answer {
        let address = &resource.address;
        let walk = match self.expression(&bare(address), field) {
            Some(expression) => self.follow(expression, address),
            None => Walk::default(),
        };
        if walk.is_cut {
            return Answer::unknown("the configuration is too large to follow its references");
        }
        // Kinds of which nothing is read have no instances to choose from.
        if kinds.is_empty() {
            let names: HashSet<_> = walk.found.iter().map(|one| (&one.of.0, &one.of.1)).collect();
            return match (Vec::from_iter(names).as_slice(), &walk.other) {
                ([(kind, name)], None) => Answer::resource(format!("{kind}.{name}"), None),
                _ => Answer::unknown(""),
            };
        }
        let foreign = walk.found.iter().find(|one| !kinds.contains(&one.of.0.as_str()));
        let foreign = foreign.map(|one| format!("{}.{}", one.of.0, one.of.1)).or(walk.other);
        if let Some(foreign) = foreign {
            let why = format!("the configuration takes it from {}", Shown(&foreign));
            return Answer::unknown(&why);
        }
        if walk.found.is_empty() {
            return self.only_one(&walk.local, address, field, kinds);
        }
        if let Some(local) = &walk.local {
            let why = format!("it may come from {}, which a plan doesn't repeat", Shown(local));
            return Answer::unknown(&why);
        }
        let (mut instances, mut doubt) = (HashSet::new(), None);
        for meant in &walk.found {
            let Some((some, word)) = self.among(meant, address) else {
                return Answer::unknown("the plan has too many resources to look for it");
            };
            instances.extend(some);
            doubt = doubt.or(word);
        }
        let one = match Vec::from_iter(&instances).as_slice() {
            [one] => self.planned.all.get(**one),
            _ => None,
        };
        match one {
            Some(one) => {
                let doubt = doubt.map(|word| {
                    format!(
                        "taken for the one with the same index, as a plan doesn't repeat how {word} \
                         is used"
                    )
                });
                Answer::resource(one.to_string(), doubt)
            }
            None => Answer::unknown(&may_be_meant(kinds, instances.len())),
        }
    }

    /// The one resource of these kinds in the module of `address`, where the configuration names
    /// the one that is meant by values that a plan doesn't repeat. What an interface is of may be
    /// an instance that nobody plans, so of that nothing is taken for granted.
    fn only_one(
        &self,
        local: &Option<String>,
        address: &Address,
        field: &str,
        kinds: &[&str],
    ) -> Answer {
        let module = module_text(&address.modules);
        let in_module = |kind: &&str| self.planned.kinds.get(&((*kind).to_owned(), module.clone()));
        let all: Vec<&Vec<usize>> = kinds.iter().filter_map(in_module).collect();
        let count = all.iter().map(|some| some.len()).sum();
        let first = all.first().and_then(|some| some.first());
        let one = first.and_then(|&one| self.planned.all.get(one));
        match (one, local) {
            (Some(one), Some(local)) if count == 1 && field != "network_interface_id" => {
                let doubt = format!(
                    "taken for {}, the only one in its module, as a plan doesn't repeat {}",
                    Shown(&one.to_string()),
                    Shown(local)
                );
                Answer::resource(one.to_string(), Some(doubt))
            }
            _ => Answer::unknown(&may_be_meant(kinds, count)),
        }
    }

    /// One more look; false if there were too many.
    fn look(&self, looks: usize) -> bool {
        self.looks.set(self.looks.get().saturating_sub(looks));
        self.looks.get() > 0
    }

    /// Which instances of a resource may be meant, and what that is doubtful for; nothing if it is
    /// too much work to say.
    fn among(
        &self,
        meant: &Meant,
        address: &Address,
    ) -> Option<(Vec<usize>, Option<&'static str>)> {
        let Meant { of, shared, index, same } = meant;
        let inside = address.modules.get(..*shared).unwrap_or_default();
        let same = same.as_ref().filter(|_| index.is_none());
        let planned = &self.planned;
        // In this very instance of the module.
        if *shared == of.2.len() {
            let module = module_text(inside);
            let with = |index: &str| {
                let address = format!("{module}{}.{}[{index}]", of.0, of.1);
                planned.exact.get(&address).map(|&one| vec![one])
            };
            if let Some(index) = index {
                return Some((with(index).unwrap_or_default(), None));
            }
            let all = planned.named.get(&(of.0.clone(), of.1.clone(), module.clone()));
            let all = all.map(Vec::as_slice).unwrap_or_default();
            // Not every use of `each` is as an index.
            return match same.and_then(|same| Some((with(&same.index)?, same.doubt))) {
                Some((one, doubt)) if all.len() > 1 => Some((one, doubt)),
                _ => self.look(all.len()).then(|| (all.to_vec(), None)),
            };
        }
        let all = planned.bare.get(of).map(Vec::as_slice).unwrap_or_default();
        let with_index = |index: &str| {
            let first = all.first().copied()?;
            planned.indexed.get(&(first, index.to_owned())).map(Vec::as_slice)
        };
        let (some, doubt) = match same.and_then(|same| Some((with_index(&same.index)?, same))) {
            Some((some, same)) => (some, same.doubt.filter(|_| all.len() > 1)),
            None => (all, None),
        };
        if !self.look(some.len()) {
            return None;
        }
        let is_meant = |one: &&usize| {
            let Some(one) = planned.all.get(**one) else { return false };
            one.modules.starts_with(inside) && (index.is_none() || one.own.index == *index)
        };
        Some((some.iter().filter(is_meant).copied().collect(), doubt))
    }

    /// The expression of an argument of a resource.
    fn expression(&self, of: &Bare, field: &str) -> Option<&'n Node> {
        self.resources.get(of)?.get("expressions")?.get(field)
    }

    /// What an expression of the resource with this address refers to.
    fn follow(&self, expression: &'n Node, address: &Address) -> Walk {
        let mut walk = Walk::default();
        let of = bare(address);
        let own = Expression {
            node: expression,
            shared: of.2.len(),
            index: address.own.index.clone(),
            block: self.resources.get(&of).copied(),
            modules: of.2,
            led: None,
        };
        let mut left = vec![own];
        let mut seen: HashSet<(String, Vec<String>)> = HashSet::new();
        let mut steps_left = MAX_STEPS;
        while let Some(expression) = left.pop() {
            let same = expression.same();
            let Expression { node, modules, shared, .. } = expression;
            for reference in references(node) {
                steps_left = steps_left.saturating_sub(1);
                if steps_left == 0 || !self.look(1) {
                    walk.is_cut = true;
                    return walk;
                }
                if !seen.insert((reference.to_owned(), modules.clone())) {
                    continue;
                }
                match steps(reference).as_slice() {
                    [var, variable, ..] if var.name == "var" => {
                        left.extend(self.argument(&modules, shared, &variable.name, address));
                    }
                    [module, call, output, ..] if module.name == "module" => {
                        match self.output(&modules, shared, &call.name, &output.name) {
                            Some(output) => left.push(Expression { led: same.clone(), ..output }),
                            None => walk.other = Some(reference.to_owned()),
                        }
                    }
                    [local, _, ..] if local.name == "local" => {
                        walk.local.get_or_insert_with(|| reference.to_owned());
                    }
                    [data, _, ..] if data.name == "data" => {
                        walk.other.get_or_insert_with(|| reference.to_owned());
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
                        if !walk.found.iter().any(said) {
                            let same = same.clone();
                            walk.found.push(Meant { of, shared, index: own.index, same });
                        }
                    }
                }
            }
        }
        walk
    }

    /// What the call of a module gives for a variable of it.
    fn argument(
        &self,
        modules: &[String],
        shared: usize,
        variable: &str,
        address: &Address,
    ) -> Option<Expression<'n>> {
        let (call, outside) = modules.split_last()?;
        let block = self.modules.get(outside)?.get("module_calls")?.get(call)?;
        let node = block.get("expressions")?.get(variable)?;
        // `each` in the call of a module is of the module.
        let instance = address.modules.get(outside.len()).filter(|_| shared == modules.len());
        Some(Expression {
            node,
            modules: outside.to_vec(),
            shared: shared.min(outside.len()),
            index: instance.and_then(|instance| instance.index.clone()),
            block: Some(block),
            led: None,
        })
    }

    /// What an output of a module called here is.
    fn output(
        &self,
        modules: &[String],
        shared: usize,
        call: &str,
        output: &str,
    ) -> Option<Expression<'n>> {
        let inside: Vec<String> =
            modules.iter().map(String::as_str).chain([call]).map(str::to_owned).collect();
        let output = self.modules.get(&inside)?.get("outputs")?.get(output)?;
        let node = output.get("expression")?;
        Some(Expression { node, modules: inside, shared, index: None, block: None, led: None })
    }
}

/// What to say where not just one resource may be meant.
fn may_be_meant(kinds: &[&str], count: usize) -> String {
    format!("of the {} in the plan {count} may be meant", kinds.join(" or "))
}

/// What an expression refers to.
fn references(expression: &Node) -> impl Iterator<Item = &str> {
    let list = expression.get("references").map(Node::items).unwrap_or_default();
    list.iter().filter_map(Node::as_str)
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

/// An expression of the configuration, and where it stands.
struct Expression<'n> {
    node: &'n Node,
    /// The modules that it stands in, and how many of them are the same instances as those of the
    /// resource that is asked for.
    modules: Vec<String>,
    shared: usize,
    /// The index that `each` and `count` have there.
    index: Option<String>,
    /// The resource or call of a module that has the expression.
    block: Option<&'n Node>,
    /// The index that led there.
    led: Option<Same>,
}

impl Expression<'_> {
    /// The index of what has this expression, if the expression uses that as an index.
    fn same(&self) -> Option<Same> {
        let (mut repeats, mut doubt) = (false, None);
        for reference in references(self.node).take(MAX_STEPS) {
            // The list has `each.value.filter` and, behind it, `each.value`.
            if reference.strip_prefix("each.value").is_some_and(|rest| !rest.is_empty()) {
                return None;
            }
            match reference {
                "each.key" => repeats = true,
                // The values of a set are its keys, those of a map are not. A plan shows the
                // constants among the latter.
                "each.value" => {
                    let for_each = self.block.and_then(|block| block.get("for_each_expression"));
                    if for_each.is_some_and(|all| all.get("constant_value").is_some()) {
                        return None;
                    }
                    (repeats, doubt) = (true, Some("each.value"));
                }
                "count.index" => (repeats, doubt) = (true, Some("count.index")),
                _ => {}
            }
        }
        if !repeats {
            return self.led.clone();
        }
        self.index.clone().map(|index| Same { index, doubt })
    }
}

/// An index that may be that of what is meant, and what makes that doubtful.
#[derive(Clone)]
struct Same {
    index: String,
    doubt: Option<&'static str>,
}

/// Instances of a resource, one of which an expression refers to.
struct Meant {
    of: Bare,
    /// How many of the modules are the same instances as those of the resource that is asked for.
    shared: usize,
    /// The index, if it was written.
    index: Option<String>,
    /// The index of what refers to it, if the expression uses that.
    same: Option<Same>,
}

/// What an expression refers to, directly or not.
#[derive(Default)]
struct Walk {
    found: Vec<Meant>,
    /// The first local value, which is not repeated.
    local: Option<String>,
    /// Something else that the value may come from: a data source, an output that isn't there.
    other: Option<String>,
    /// There was too much to follow.
    is_cut: bool,
}
