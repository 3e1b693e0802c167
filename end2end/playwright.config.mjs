import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'journeys',
  testMatch: '*.spec.mjs',
  testIgnore: process.env.SCREENSHOTS ? [] : 'pictures.spec.mjs',
  // Two cores carry the server, the simulator and the browser: one journey at a time.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  forbidOnly: !!process.env.CI,
  reporter: [['list']],
  projects: [
    { name: 'sqlite' },
    // The true path and the crowd files once more: two nodes, and the demo, on PostgreSQL and Redis.
    { name: 'postgres', testMatch: ['path.spec.mjs', 'crowd.spec.mjs'] },
  ],
  use: {
    browserName: 'chromium',
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    viewport: { width: 1280, height: 860 },
    actionTimeout: 20_000,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
});
