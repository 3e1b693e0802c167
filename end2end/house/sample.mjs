// The sample workspace of `demo()`: its app with a crowd and copies, and a draft made of them.
import { expect } from './page.mjs';

/** The app that has a crowd, copies and a past. */
export const SAMPLE = '晨钟健康 · 患者端';

/** The path of the sample app: `/apps/app_…`. */
export async function sampleApp(page, house) {
  await page.goto(`${house.url}/apps`);
  const href = await page.getByRole('link', { name: SAMPLE }).first().getAttribute('href');
  return /\/apps\/app_[0-9a-z]+/.exec(href)[0];
}

/** Saves a draft over the sample crowd, in Chinese; the path of its page. */
export async function draft(page, house, app, name) {
  await page.goto(`${house.url}${app}/campaigns/new`);
  await page.locator('#name').fill(name);
  for (const [id, words] of [['#crowd', '近 90 天就诊'], ['#copy', '流感科普']]) {
    const value = await page.locator(`${id} option`).filter({ hasText: words }).first().getAttribute('value');
    await page.locator(id).selectOption(value);
  }
  await page.getByRole('button', { name: '保存草稿', exact: true }).last().click();
  await expect(page).toHaveURL(/\/campaigns\/(?!new)/);
  return new URL(page.url()).pathname;
}
