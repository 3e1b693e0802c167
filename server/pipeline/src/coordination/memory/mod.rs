//! One process: limits, flags and wake-ups in memory.
