//! Addresses of Terraform's resources: `module.mirror["a.b"].aws_instance.web[0]`.

use std::fmt;

/// How many modules a resource may be in. A plan of more would nest deeper than a document may.
const MAX_MODULES: usize = 64;

/// A name with its index, as written between the brackets: `0`, or `"a"` with its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) index: Option<String>,
}

/// The address of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The modules that it is in, from the root.
    pub(super) modules: Vec<Step>,
    /// The kind of resource: `aws_instance`.
    pub(super) kind: String,
    /// Its own name.
    pub(super) own: Step,
}

impl Address {
    /// The address that begins a text; what follows it, as an attribute does in a reference, is
    /// left out. Nothing for data sources.
    pub(super) fn parse(text: &str) -> Option<Address> {
        let mut steps = steps(text).into_iter();
        let mut modules = Vec::new();
        loop {
            let step = steps.next()?;
            match (step.name.as_str(), step.index) {
                ("module", None) if modules.len() == MAX_MODULES => return None,
                ("module", None) => modules.push(steps.next()?),
                ("data" | "var" | "local" | "each" | "count" | "path" | "terraform", _) => {
                    return None;
                }
                (_, None) => {
                    return Some(Address { modules, kind: step.name, own: steps.next()? });
                }
                (_, Some(_)) => return None,
            }
        }
    }

    /// What a person calls the resource: the address without its kind.
    pub(super) fn name(&self) -> String {
        let mut name = String::new();
        for module in &self.modules {
            name.push_str(&format!("module.{module}."));
        }
        name + &self.own.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for module in &self.modules {
            write!(f, "module.{module}.")?;
        }
        write!(f, "{}.{}", self.kind, self.own)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.index {
            Some(index) => write!(f, "[{index}]"),
            None => Ok(()),
        }
    }
}

/// The steps of an address or reference, split at the dots that stand outside brackets.
pub(super) fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let (index, behind) = match behind.strip_prefix('[') {
            Some(inside) => {
                let end = index_end(inside);
                let (index, behind) = inside.split_at(end);
                (Some(index.to_owned()), behind.strip_prefix(']').unwrap_or(behind))
            }
            None => (None, behind),
        };
        steps.push(Step { name: name.to_owned(), index });
        rest = behind.strip_prefix('.').unwrap_or(behind);
    }
    steps
}

/// Where the index that begins here ends: at the bracket, which may stand in a quoted key too.
fn index_end(inside: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (n, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return n,
            _ => {}
        }
    }
    inside.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, index: Option<&str>) -> Step {
        Step { name: name.into(), index: index.map(str::to_owned) }
    }

    #[test]
    fn an_address_has_modules_kind_and_name() {
        let text = r#"module.mirror["a.b]\"["].module.inner[0].aws_instance.web["x"]"#;
        let address = Address::parse(text).unwrap();
        assert_eq!(
            address.modules,
            [step("mirror", Some(r#""a.b]\"[""#)), step("inner", Some("0"))]
        );
        assert_eq!(
            (address.kind.as_str(), &address.own),
            ("aws_instance", &step("web", Some(r#""x""#)))
        );
        assert_eq!(address.to_string(), text);
        assert_eq!(address.name(), r#"module.mirror["a.b]\"["].module.inner[0].web["x"]"#);
    }

    #[test]
    fn an_attribute_behind_an_address_is_left_out() {
        let address = Address::parse("aws_instance.web[0].primary_network_interface_id").unwrap();
        assert_eq!(address.to_string(), "aws_instance.web[0]");
    }

    #[test]
    fn what_names_no_resource_of_the_plan_is_no_address() {
        for text in [
            "",
            "aws_instance",
            "module",
            "module.m",
            "module.m.aws_instance",
            "data.aws_vpc.main.id",
            "var.filter_id",
            "local.filter",
            "each.value",
            "count.index",
            "path.module",
            "aws_instance[0].web",
            "module[0].m.aws_instance.web",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_bracket_that_never_closes_ends_the_text() {
        assert_eq!(steps("a[0"), [step("a", Some("0"))]);
        assert_eq!(steps("a[\"]"), [step("a", Some("\"]"))]);
        assert_eq!(steps("a[0]b"), [step("a", Some("0")), step("b", None)]);
    }
}
