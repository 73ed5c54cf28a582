//! Conditions: three truths, for what isn't known may not matter.
//!
//! `Fn::And` of a false and an unknown condition is false. CloudFormation evaluates all conditions
//! when a stack is made; here only those are that something asks for.

use crate::node::{Node, NodeKind};
use crate::problem::Shown;

use super::evaluate::Evaluator;
use super::template::describe;
use super::unknown::Unknown;

/// How many conditions `Fn::And` and `Fn::Or` take.
const SEVERAL: std::ops::RangeInclusive<usize> = 2..=10;

impl Evaluator<'_> {
    /// `Fn::If`: one of two values.
    pub(super) fn choose(&mut self, argument: &Node) -> Result<Option<Node>, Unknown> {
        let [condition, yes, no] = Self::arguments("Fn::If", argument, 3..=3)? else {
            return Err(Unknown::because("Fn::If takes three arguments"));
        };
        let Some(name) = condition.as_str() else {
            let why =
                format!("Fn::If asks for {}, not a condition's name", describe(&condition.kind));
            return Err(Unknown::because(why));
        };
        let chosen = if self.condition(name)? { yes } else { no };
        Ok(self.value(chosen))
    }

    /// Whether the condition with this name holds.
    pub(super) fn condition(&mut self, name: &str) -> Result<bool, Unknown> {
        let template = self.template;
        let Some((&name, &condition)) = template.conditions.get_key_value(name) else {
            let why = format!("{} is no condition of the template", Shown(name));
            return Err(Unknown::because(why));
        };
        match self.conditions.get(name) {
            Some(Some(truth)) => return truth.clone(),
            Some(None) => {
                let why = format!("condition {} depends on itself", Shown(name));
                return Err(Unknown::because(why));
            }
            None => {}
        }
        self.conditions.insert(name, None);
        let lenient = std::mem::take(&mut self.lenient);
        let truth = self.deeper(|inner| inner.holds(condition));
        self.lenient = lenient;
        let truth = truth.map_err(|unknown| {
            // Said once, not again by each condition above.
            match unknown.why.starts_with("condition ") {
                true => unknown,
                false => {
                    let why = format!("condition {} is unknown, as {}", Shown(name), unknown.why);
                    Unknown { why, param: unknown.param }
                }
            }
        });
        self.conditions.insert(name, Some(truth.clone()));
        truth
    }

    /// Whether a condition, as it is written, holds.
    fn holds(&mut self, node: &Node) -> Result<bool, Unknown> {
        self.pay(1)?;
        let [entry] = node.entries() else {
            let why = format!("{} stands for a condition", describe(&node.kind));
            return Err(Unknown::because(why));
        };
        let argument = &entry.value;
        match entry.key.as_str() {
            "Condition" => match argument.as_str() {
                Some(name) => self.condition(name),
                None => Err(Unknown::because("Condition names no condition")),
            },
            "Fn::Not" => {
                let mut truth = true;
                for inner in Self::arguments("Fn::Not", argument, 1..=1)? {
                    truth = !self.deeper(|evaluator| evaluator.holds(inner))?;
                }
                Ok(truth)
            }
            "Fn::And" => self.any_is(false, Self::arguments("Fn::And", argument, SEVERAL)?),
            "Fn::Or" => self.any_is(true, Self::arguments("Fn::Or", argument, SEVERAL)?),
            "Fn::Equals" => self.equals(Self::arguments("Fn::Equals", argument, 2..=2)?),
            other => Err(Unknown::because(format!("{} is no condition", Shown(other)))),
        }
    }

    /// `decisive` if one condition is that, whatever the others are; else its opposite.
    fn any_is(&mut self, decisive: bool, conditions: &[Node]) -> Result<bool, Unknown> {
        let mut unknown = None;
        for condition in conditions {
            match self.deeper(|inner| inner.holds(condition)) {
                Ok(truth) if truth == decisive => return Ok(decisive),
                Ok(_) => {}
                Err(error) => unknown = unknown.or(Some(error)),
            }
        }
        unknown.map_or(Ok(!decisive), Err)
    }

    fn equals(&mut self, pair: &[Node]) -> Result<bool, Unknown> {
        let mut texts = Vec::new();
        for node in pair {
            // Numbers and booleans are texts to CloudFormation: 1 and '1' are equal, 1 and 1.0 not.
            if matches!(node.kind, NodeKind::Null) {
                return Err(Unknown::because("Fn::Equals compares null"));
            }
            texts.push(self.text(node)?);
        }
        Ok(texts.windows(2).all(|pair| matches!(pair, [a, b] if a == b)))
    }
}
