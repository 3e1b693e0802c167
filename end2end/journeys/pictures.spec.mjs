// The pictures of README, taken from the demo. Only when asked for (make screenshots), so that a test run changes no file.
import { join } from 'node:path';
import { expect, hydrated, signIn, test } from '../house/page.mjs';
import { demo } from '../house/start.mjs';

const FOLDER = process.env.SCREENSHOTS;

let house;
test.beforeAll(async () => { house = await demo(); });
test.afterAll(async () => { await house?.end(); });

/** The path of the app that has campaigns; the other one of the demo is a sandbox. */
async function busyApp(page) {
  await page.goto(`${house.url}/apps`);
  const links = await page.locator('main td a[href^="/apps/app_"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
  for (const app of links.map((href) => /\/apps\/app_[0-9a-z]+/.exec(href)[0])) {
    await page.goto(`${house.url}${app}/campaigns`);
    if (await page.locator('main td a[href*="/campaigns/"]').count()) return app;
  }
  throw new Error('no app of the demo has a campaign');
}

test('the main pages', async ({ page, context }) => {
  await page.setViewportSize({ width: 1280, height: 900 });
  await signIn(page, house);
  const app = await busyApp(page);
  const shoot = async (name, path, { theme = 'light', lang = 'zh' } = {}) => {
    await context.addCookies([{ name: 'theme', value: theme, url: house.url }, { name: 'lang', value: lang, url: house.url }]);
    await page.goto(`${house.url}${path}`);
    await hydrated(page);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled' });
  };
  await page.goto(`${house.url}${app}/campaigns`);
  const campaigns = await page.locator('table a[href*="/campaigns/"]').evaluateAll((links) => links.map((a) => new URL(a.href).pathname));
  expect(campaigns.length).toBeGreaterThanOrEqual(2);
  // Newest first: the running one, then the finished one.
  const [running, finished] = campaigns;
  await shoot('overview', `${app}/overview`);
  await shoot('overview-dark', `${app}/overview`, { theme: 'dark', lang: 'en' });
  await shoot('running', running);
  await shoot('funnel', `${app}/funnel?campaign=${finished.split('/').at(-1)}`);
  await shoot('compose', `${app}/campaigns/new`);
  await shoot('crowds', `${app}/crowds`);
});
