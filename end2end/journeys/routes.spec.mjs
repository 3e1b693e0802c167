// Every page that can be reached by links, in both languages and both themes: nothing complains, axe finds nothing. With SCREENS (make
// screenshots) each page is kept as a picture, light in Chinese and dark in English.
import { join } from 'node:path';
import { accessible, expect, hydrated, signIn, test } from '../house/page.mjs';
import { demo } from '../house/start.mjs';

/** Enough for a console; a crawl that needs more has found a circle. */
const MOST = 80;

const FOLDER = process.env.SCREENS;
/** Taller pages are cut: the rest is more rows. */
const TALLEST = 2_000;

/** `/apps/:id/crowds?` becomes `apps-crowds`; pages with a filter are not kept. */
async function keep(page, address, theme) {
  const [path, query] = kind(address).split('?');
  if (!FOLDER || query) return;
  const name = path.split('/').filter((part) => part && part !== ':id').join('-') || 'start';
  const one = path.endsWith('/:id') ? '-one' : '';
  const height = Math.min(TALLEST, await page.evaluate(() => document.documentElement.scrollHeight));
  const { width } = page.viewportSize();
  await page.screenshot({ path: join(FOLDER, `${name}${one}-${theme}.jpg`), type: 'jpeg', quality: 60, fullPage: true, clip: { x: 0, y: 0, width, height }, animations: 'disabled' });
}

let house;
test.beforeAll(async () => { house = await demo(); });
test.afterAll(async () => { await house?.end(); });

/** One page per kind: ids and query values do not make a new kind. */
function kind(address) {
  const { pathname, searchParams } = new URL(address);
  const path = pathname.replace(/\/[a-z]{2,5}_[0-9a-z]+/g, '/:id');
  return `${path}?${[...searchParams.keys()].sort().join('&')}`;
}

/** Pages only: no downloads, no switches, no API. */
function isPage(address) {
  const { origin, pathname } = new URL(address);
  return origin === house.url && !/^\/(session|preferences|api|v1|openapi\.json|docs\/api|metrics|livez|readyz)/.test(pathname) && !/\.[a-z]+$/.test(pathname);
}

/** Without the place inside the page: going to a place of the page that is open is no visit, and answers nothing. */
const bare = (address) => address.replace(/#.*$/, '');

async function crawl(page) {
  const seen = new Map([[kind(`${house.url}/`), `${house.url}/`]]);
  for (const address of seen.values()) {
    await page.goto(address);
    const found = await page.locator('a[href]').evaluateAll((links) => links.filter((a) => !a.hasAttribute('download')).map((a) => a.href));
    for (const next of found.filter(isPage).map(bare)) if (!seen.has(kind(next))) seen.set(kind(next), next);
    expect(seen.size, 'kinds of pages').toBeLessThan(MOST);
  }
  return [...seen.values()];
}

test('every page, both languages, both themes', async ({ page, context, complaints }) => {
  test.setTimeout(900_000);
  await signIn(page, house);
  const pages = await crawl(page);
  expect(pages.length, 'pages found').toBeGreaterThan(8);
  for (const [lang, theme] of [['zh', 'light'], ['en', 'dark'], ['zh', 'dark'], ['en', 'light']]) {
    await context.addCookies([{ name: 'lang', value: lang, url: house.url }, { name: 'theme', value: theme, url: house.url }]);
    for (const address of pages) {
      await test.step(`${lang} ${theme} ${kind(address)}`, async () => {
        const answer = await page.goto(address);
        expect(answer.status(), address).toBe(200);
        await hydrated(page);
        await expect(page.locator('html')).toHaveAttribute('lang', lang === 'zh' ? /^zh/ : /^en/);
        await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
        await accessible(page, `${kind(address)} (${lang}, ${theme})`);
        expect(complaints.found, `after ${address}`).toEqual([]);
        if ((lang === 'zh') === (theme === 'light')) await keep(page, address, theme);
      });
    }
  }
});

test('a page that is not there says so, and leads back', async ({ page, complaints }) => {
  complaints.expect(/status of 404/);
  await signIn(page, house);
  const answer = await page.goto(`${house.url}/no/such/page`);
  expect(answer.status()).toBe(404);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await accessible(page, 'not found');
});

test('without a session every page leads to signing in', async ({ page }) => {
  for (const path of ['/', '/apps', '/nodes', '/people', '/account', '/audit']) {
    await page.goto(`${house.url}${path}`);
    await expect(page, path).toHaveURL(/\/sign-in\?next=/);
  }
});

test.describe('with scripts off', () => {
  test.use({ javaScriptEnabled: false });

  test('sign-in, every list and its filters work', async ({ page }) => {
    await signIn(page, house);
    const seen = new Set();
    const links = await page.getByRole('navigation').getByRole('link').evaluateAll((all) => all.map((a) => a.href));
    for (const address of links.filter(isPage)) {
      if (seen.has(kind(address))) continue;
      seen.add(kind(address));
      const answer = await page.goto(address);
      expect(answer.status(), address).toBe(200);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      const filter = page.locator('main form[method="get"]:visible').first();
      if (await filter.count()) {
        await filter.evaluate((form) => { (form.requestSubmit ?? form.submit).call(form); });
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      }
    }
    expect(seen.size).toBeGreaterThan(5);
  });
});
