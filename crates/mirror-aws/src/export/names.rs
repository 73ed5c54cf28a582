//! What the resources of an exported filter are called in its document.
//!
//! Derived from what people called the filter and from what tells its rules apart, direction and
//! number. Those are unique in a filter that AWS takes; should they not be, a letter makes them so.

use std::collections::HashSet;

use mirror_filter::{Filter, Rule};

use super::is_word_of_yaml;

/// The most of a name that is taken over: CloudFormation ends at 255 characters.
const LONGEST: usize = 64;

/// The words of the filter's name, or id, as far as they are ASCII letters and digits. At least one
/// word, the first of which begins with a letter.
fn words(filter: &Filter) -> Vec<String> {
    let name = filter.name.as_deref().or(filter.id.as_deref()).unwrap_or_default();
    let mut left = LONGEST;
    let mut words: Vec<String> = Vec::new();
    for word in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let word: String = word.chars().take(left).collect();
        left -= word.len();
        if !word.is_empty() {
            words.push(word);
        }
    }
    let is_name = match words.as_slice() {
        [] => false,
        // As a key of a template it would not be a text.
        [word] if is_word_of_yaml(word) => false,
        [first, ..] => first.starts_with(|c: char| c.is_ascii_alphabetic()),
    };
    if !is_name {
        words.insert(0, "filter".to_owned());
    }
    words
}

/// The logical id of a filter: `WebServers`.
pub(super) fn logical_id(filter: &Filter) -> String {
    words(filter).iter().map(|word| capitalized(word)).collect()
}

/// The logical ids of its rules, in their order: `WebServersIngress100`.
pub(super) fn logical_ids(filter: &Filter) -> Vec<String> {
    let base = logical_id(filter);
    unique(filter, |Rule { direction, number, .. }| {
        format!("{base}{}{number}", capitalized(direction.as_str()))
    })
}

/// The name of a filter in Terraform: `web_servers`.
pub(super) fn snake(filter: &Filter) -> String {
    words(filter).join("_").to_ascii_lowercase()
}

/// The names of its rules in Terraform: `web_servers_ingress_100`.
pub(super) fn snakes(filter: &Filter) -> Vec<String> {
    let base = snake(filter);
    unique(filter, |Rule { direction, number, .. }| format!("{base}_{direction}_{number}"))
}

fn unique(filter: &Filter, name: impl Fn(&Rule) -> String) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut names = Vec::with_capacity(filter.rules.len());
    for rule in &filter.rules {
        let mut name = name(rule);
        // A letter can't make the number another one.
        while !taken.insert(name.clone()) {
            name.push('x');
        }
        names.push(name);
    }
    names
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
