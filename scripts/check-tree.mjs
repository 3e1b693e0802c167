// Rules for every tracked file: nothing of the machine it was written on, no shortcut past the lints.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { Checks } from './checks.mjs';

const run = (command, ...args) => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
};

const names = run('git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0').filter((n) => n && existsSync(n));
const isText = /\.(rs|mjs|js|ts|css|sql|md|toml|json|lock|yml|yaml|svg|snap|sh|html)$|(^|\/)(Makefile|run|\.gitignore)$/;
const files = names.filter((n) => isText.test(n) && statSync(n).size < 4_000_000).map((name) => ({ name, lines: readFileSync(name, 'utf8').split('\n') }));

/** `file:line: text` of every line of `where` that `matches`. */
const hits = (where, matches) =>
  files.filter((f) => where.test(f.name)).flatMap((f) =>
    f.lines.flatMap((line, at) => (matches(line, f.lines[at - 1] ?? '') ? [`${f.name}:${at + 1}: ${line.trim().slice(0, 120)}`] : [])));

const checks = new Checks('tree');
checks.empty('there are tracked files', names.length > 0 ? [] : ['none found: is this a git work tree?']);

// What this very machine is called, asked from it, so that no such name has to stand here either.
const top = process.cwd();
const registries = [run('npm', 'config', 'get', 'registry').trim(), ...Object.values(process.env).filter((v) => /^(sparse\+)?https?:\/\//.test(v ?? ''))]
  .flatMap((url) => { try { return [new URL(url.replace(/^sparse\+/, '')).hostname]; } catch { return []; } })
  .filter((host) => !['localhost', '127.0.0.1'].includes(host) && !host.endsWith('github.com'));
const machine = [`${homedir()}/`, `${dirname(top)}/`].filter((path) => path.length > 3);
checks.empty('no path of this machine', hits(/./, (line) => machine.some((path) => line.includes(path))));
checks.empty('no address of a package registry', hits(/./, (line) => registries.some((host) => line.includes(host))));
const outside = ['..', 'shared'].join('/');
checks.empty('nothing outside the repository is read', hits(/./, (line) => line.includes(`${outside}/`)));

const rust = /\.rs$/;
checks.empty('exceptions are stated with #[expect(…, reason)]', hits(rust, (line) => /^\s*#!?\[allow\(/.test(line)));
checks.empty('every #[expect] has a reason', files.filter((f) => rust.test(f.name)).flatMap((f) => {
  const text = f.lines.join('\n');
  return [...text.matchAll(/#!?\[expect\(([\s\S]*?)\)\]/g)].filter((m) => !m[1].includes('reason')).map((m) => `${f.name}: ${m[0].slice(0, 100)}`);
}));
checks.empty('no test is switched off', [...hits(rust, (line, before) => /^\s*#\[ignore\]/.test(line) && !before.includes('//')),
  ...hits(/^end2end\/.*\.(mjs|js|ts)$/, (line) => /\b(test|it|describe)\.(skip|fixme|only)\(/.test(line))]);
checks.empty('no test waits for luck', hits(/^end2end\/.*\.(mjs|js|ts)$/, (line) => line.includes('waitForTimeout')));
checks.empty('raw HTML is written by the ui parts only', hits(/^app\/src\/(?!ui\/).*\.rs$/, (line) => /\binner_html\b/.test(line)));

for (const name of ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'LICENSE', 'deny.toml', 'Cargo.lock']) {
  checks.empty(`${name} is there`, names.includes(name) ? [] : [name]);
}
const links = files.filter((f) => f.name.endsWith('.md')).flatMap((f) =>
  [...f.lines.join('\n').matchAll(/\]\(([^)#:\s]+)(#[^)]*)?\)/g)].map((m) => ({ from: f.name, to: m[1] })))
  .filter(({ from, to }) => !existsSync(new URL(to, `file://${top}/${from}`)));
checks.empty('every link in the documents leads somewhere', links.map(({ from, to }) => `${from} -> ${to}`));
checks.end();
