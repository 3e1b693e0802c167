//! Builds every room once and hands it its neighbours.
