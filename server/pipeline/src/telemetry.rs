//! Metric names, typed once.
