// Measured runs: long, asked for by name, never part of `make test`.
import base from './playwright.config.mjs';

export default { ...base, testDir: 'measure', timeout: 3 * 3_600_000, use: { ...base.use, trace: 'off', actionTimeout: 60_000 } };
