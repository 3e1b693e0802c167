//! MAY THIS GO, NOW? Pure decisions over facts.
//!
//! Comes in: facts about a recipient, a message, a time. Goes out: send, or the rule that says no.
//! Never: I/O. Neighbours: traits of storage and coordination. How to add one: a rule in `types::life::FilterRule`, an arm in `decide`.
