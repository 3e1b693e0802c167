// `make test`: every check of the house, one after the other, with its time; the sum of all counts on the last line.
// A failing step does not hide the later ones, except those that need what it builds.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';

const target = process.env.CARGO_TARGET_DIR ?? 'target';
const profile = process.env.TEST_PROFILE ?? 'release';
const only = process.argv.slice(2);
mkdirSync(target, { recursive: true });
const log = createWriteStream(`${target}/test.log`);

const steps = [
  { name: 'format', run: 'cargo fmt --all -- --check' },
  { name: 'tree', run: 'node scripts/check-tree.mjs' },
  { name: 'dependencies', run: 'node scripts/check-deps.mjs' },
  { name: 'clippy', run: `cargo clippy --locked --profile ${profile} --all-targets -- -D warnings` },
  { name: 'clippy-browser', run: 'cargo clippy --locked --profile wasm-release -p frontend --target wasm32-unknown-unknown -- -D warnings' },
  { name: 'clippy-bundle', run: `cargo clippy --locked --profile ${profile} -p bundle --all-targets -- -D warnings` },
  { name: 'tests', run: `cargo test --locked --profile ${profile} --no-fail-fast` },
  { name: 'tests-bundle', run: `cargo test --locked --profile ${profile} -p bundle` },
  { name: 'client', run: 'node end2end/client/carillon.mjs vectors docs/signing-vectors.json' },
  { name: 'site', run: 'make site BUNDLE_FLAGS=--check-budget' },
  { name: 'server', run: 'make server' },
  { name: 'clients', run: 'make clients', needs: ['server'] },
  { name: 'journeys', run: 'make journeys', needs: ['site', 'server'] },
];

/** Counts in what the steps print: cargo test, Playwright, our own checks. */
function counted(text) {
  let passed = 0, failed = 0, skipped = 0;
  for (const line of text.split('\n')) {
    let m;
    if ((m = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/.exec(line))) { passed += +m[1]; failed += +m[2]; skipped += +m[3]; }
    else if ((m = /^\w+: (\d+) passed, (\d+) failed$/.exec(line))) { passed += +m[1]; failed += +m[2]; }
    else if ((m = /^(\d+) vectors hold$/.exec(line))) passed += +m[1];
    else if ((m = /^\s+(\d+) passed \(.*\)$/.exec(line))) passed += +m[1];
    else if ((m = /^\s+(\d+) failed$/.exec(line))) failed += +m[1];
    else if ((m = /^\s+(\d+) (?:skipped|did not run)$/.exec(line))) skipped += +m[1];
  }
  return { passed, failed, skipped };
}

function say(text) {
  process.stdout.write(text);
  log.write(text);
}

function run(command) {
  return new Promise((done) => {
    let text = '';
    const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, CARGO_TERM_COLOR: 'never', FORCE_COLOR: '0', NO_COLOR: '1' } });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (part) => { text += part; say(part); });
    }
    child.on('close', (code) => done({ code, text }));
  });
}

const began = Date.now();
const seconds = (since) => `${Math.round((Date.now() - since) / 1000)} s`;
const results = [];
for (const step of steps) {
  if (only.length > 0 && !only.includes(step.name)) continue;
  const missing = (step.needs ?? []).filter((need) => results.some((r) => r.name === need && r.code !== 0));
  say(`\n== ${step.name}: ${step.run}\n`);
  if (missing.length > 0) {
    say(`not run: ${missing.join(', ')} failed\n`);
    results.push({ name: step.name, code: 1, time: '0 s', passed: 0, failed: 1, skipped: 0 });
    continue;
  }
  const since = Date.now();
  const { code, text } = await run(step.run);
  const counts = counted(text);
  // A step without a count of its own is one check.
  if (counts.passed + counts.failed === 0) counts[code === 0 ? 'passed' : 'failed'] = 1;
  else if (code !== 0 && counts.failed === 0) counts.failed = 1;
  results.push({ name: step.name, code, time: seconds(since), ...counts });
}

say('\n== summary\n');
for (const r of results) {
  say(`${r.name.padEnd(16)}${r.code === 0 ? 'ok    ' : 'FAILED'}${r.time.padStart(8)}${String(r.passed).padStart(7)} passed${String(r.failed).padStart(5)} failed${String(r.skipped).padStart(5)} skipped\n`);
}
const sum = (key) => results.reduce((all, r) => all + r[key], 0);
say(`took ${seconds(began)}\n`);
say(`total: ${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped\n`);
process.exitCode = results.length > 0 && results.every((r) => r.code === 0) ? 0 : 1;
