//! What overview, funnel, lanes and messages share: their server functions, the choice of a time, the funnel as bars.

pub mod calls;
pub mod funnel_bars;
pub mod loss;
pub mod range;
