// The test of every journey: a page that may not complain.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test as base, expect } from '@playwright/test';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** What the browser complained of, on all pages of one context. */
export class Complaints {
  constructor() {
    this.found = [];
    this.expected = [];
  }

  /** Complaints that match are part of the journey (a refused form answers 4xx, and Chromium says so). */
  expect(pattern) {
    this.expected.push(pattern);
  }

  add(text) {
    if (!this.expected.some((pattern) => pattern.test(text))) this.found.push(text);
  }

  watch(page) {
    page.on('console', (message) => {
      const text = message.text();
      if (message.type() === 'error' || /hydrat|mismatch/i.test(text)) this.add(`console ${message.type()} at ${page.url()}: ${text}`);
    });
    page.on('pageerror', (error) => this.add(`exception at ${page.url()}: ${error.stack ?? error}`));
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? '';
      // A page that is left aborts its streams and prefetches; with scripts off the preload of the script is refused.
      if (why !== 'net::ERR_ABORTED' && !(why === 'csp' && this.scriptsOff)) this.add(`request failed: ${request.method()} ${request.url()} ${why}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 500) this.add(`answer ${response.status()}: ${response.request().method()} ${response.url()}`);
    });
  }
}

export const test = base.extend({
  complaints: [async ({ context, javaScriptEnabled }, use) => {
    const complaints = new Complaints();
    complaints.scriptsOff = javaScriptEnabled === false;
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`CSP: ${event.violatedDirective} blocked ${event.blockedURI} ${event.sample}`);
      });
    });
    context.on('page', (page) => complaints.watch(page));
    await use(complaints);
    expect(complaints.found, 'the browser complained').toEqual([]);
  }, { auto: true }],
});

/** Runs axe on the page as it stands; fails with rule, help and place of every finding. */
export async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: tags, resultTypes: ['violations'] }), AXE_TAGS);
  const found = violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${v.help} — ${n.target.join(' ')} — ${n.failureSummary?.split('\n').slice(1).join(' ').trim()}`));
  expect(found, `axe on ${what}`).toEqual([]);
}

/** Pages that need no script (`routes::PLAIN`). */
const PLAIN = /^\/(audit|approvals|sessions|sign-in\/code|account\/(sessions|second-step)|laboratory|apps\/app_[0-9a-f]+\/(calendar|policy|words|messages(\/\w+\/again)?|dead-letters|breakers|resends|crowds|crowds\/(combine|crd_\w+|makings\/\w+)|campaigns\/\w+\/\w+|copies\/\w+\/workbench|messages\/\w+\/recall))$/;

/** Waits until the browser's part runs; a plain page is ready as it comes, and carries none. */
export async function hydrated(page) {
  if (PLAIN.test(new URL(page.url()).pathname)) {
    await expect(page.locator('script[type="module"]')).toHaveCount(0);
    return;
  }
  await expect(page.locator('html')).toHaveAttribute('data-hydrated', 'yes');
}

/** Signs in by the form; lands where the server leads. */
export async function signIn(page, { url, email, password }) {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel(/^(邮箱|E-mail)/).fill(email);
  await page.getByLabel(/^(密码|Password)/).fill(password);
  await page.getByRole('button', { name: /^(登录|Sign in)$/ }).click();
  await expect(page).not.toHaveURL(/sign-in/);
}

export { expect };
