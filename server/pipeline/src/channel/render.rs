//! Recipients with the same filled content share requests: grouped here. Pure.

use std::collections::BTreeMap;

use types::content::Content;

use crate::broker::plan::recall::REFERENCE;
use crate::storage::frame::Recipient;

/// One content and the recipients (indexes into the chunk) that get exactly it.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    pub content: Content,
    pub members: Vec<usize>,
    /// Of a recall: the vendor's ids of the requests that may have held them.
    pub references: Vec<String>,
}

/// Groups the open recipients by their rendered content. Recipients without variables of their own are one group.
pub fn groups(content: &Content, shared: &BTreeMap<String, String>, recipients: &[Recipient], open: &[usize]) -> Vec<Group> {
    let mut by_values: BTreeMap<&BTreeMap<String, String>, Vec<usize>> = BTreeMap::new();
    for &i in open {
        by_values.entry(&recipients[i].variables).or_default().push(i);
    }
    by_values
        .into_iter()
        .map(|(own, members)| {
            let references = own.get(REFERENCE).map(|list| list.split(',').map(str::to_owned).collect()).unwrap_or_default();
            let content = if own.is_empty() {
                types::copy::render(content, shared).0
            } else {
                let mut values = shared.clone();
                values.extend(own.iter().filter(|(_, v)| !v.trim().is_empty()).map(|(k, v)| (k.clone(), v.clone())));
                types::copy::render(content, &values).0
            };
            Group { content, members, references }
        })
        .collect()
}

/// Everybody by place, with the group they are in.
pub fn in_order(groups: &[Group]) -> Vec<(usize, usize)> {
    let mut members: Vec<(usize, usize)> = Vec::with_capacity(groups.iter().map(|group| group.members.len()).sum());
    for (of, group) in groups.iter().enumerate() {
        members.extend(group.members.iter().map(|i| (*i, of)));
    }
    members.sort_unstable();
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_values_win_and_equal_ones_share() {
        let content = Content { title: "{{n|you}}".into(), body: "b".into(), ..Content::default() };
        let person = |name: &str| Recipient {
            variables: if name.is_empty() { BTreeMap::new() } else { [("n".to_owned(), name.to_owned())].into() },
            ..Recipient::default()
        };
        let people = [person("A"), person(""), person("A"), person("B"), person("")];
        let shared: BTreeMap<String, String> = [("n".to_owned(), "all".to_owned())].into();
        let got: Vec<(String, Vec<usize>)> =
            groups(&content, &shared, &people, &[0, 1, 2, 3]).into_iter().map(|g| (g.content.title, g.members)).collect();
        assert_eq!(got, [("all".to_owned(), vec![1]), ("A".to_owned(), vec![0, 2]), ("B".to_owned(), vec![3])]);
        let groups = groups(&content, &shared, &people, &[4, 3, 2, 1, 0]);
        assert_eq!(in_order(&groups), [(0, 1), (1, 0), (2, 1), (3, 2), (4, 0)], "a mark goes by places");
    }
}
