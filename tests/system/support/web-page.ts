import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { z } from 'zod';
import { REPOSITORY } from './cluster-process';
import { PageRecording } from './page-recording';
import type { WireEvent } from './test-client';
import { until } from './until';
import { everyConnection, type Watched } from './witness';

/** What the web client offers, and gets. */
const PARLEY_SUBPROTOCOL = 'parley.v1';

const EAR = resolve(__dirname, 'page-ear.cjs');
const WORKLET = resolve(__dirname, 'page-samples.cjs');
const SCREENSHOTS = resolve(REPOSITORY, '.cache/screenshots');

/** The web client in a browser of its own state, and somebody who uses, hears and watches it. */
export class WebPage {
  readonly recording = new PageRecording();
  /** Addresses of everything the page asked for, WebSockets included. */
  readonly addresses: string[] = [];
  /** Every event that arrived at the page, over all of its WebSockets. */
  readonly events: Record<string, unknown>[] = [];
  /** Errors on the console and exceptions that nobody caught. */
  readonly errors: string[] = [];

  private constructor(private readonly page: Page) {
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text());
    });
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('request', (request) => this.addresses.push(request.url()));
    page.on('websocket', (socket) => {
      this.addresses.push(socket.url());
      const connection: Watched = { protocol: PARLEY_SUBPROTOCOL };
      socket.on('framesent', ({ payload }) => {
        if (typeof payload === 'string') everyConnection.witness?.sent(connection, eventOf(payload));
      });
      socket.on('framereceived', ({ payload }) => {
        if (typeof payload !== 'string') return;
        const event = eventOf(payload);
        everyConnection.witness?.received(connection, event);
        this.events.push(event);
      });
      socket.on('close', () => everyConnection.witness?.ended(connection));
    });
  }

  /** `policy` bypassed: the page may be given scripts that are not its own. */
  static async open(
    browser: Browser,
    url: string,
    colorScheme: 'light' | 'dark',
    policy: 'kept' | 'bypassed' = 'kept',
  ): Promise<WebPage> {
    const context = await browser.newContext({ colorScheme, bypassCSP: policy === 'bypassed' });
    const page = await context.newPage();
    const webPage = new WebPage(page);
    await page.addInitScript({ path: EAR });
    await page.goto(url);
    return webPage;
  }

  /** The addresses of its WebSockets, in order. */
  get sockets(): URL[] {
    return this.addresses.map((address) => new URL(address)).filter(({ protocol }) => protocol === 'ws:');
  }

  get(testId: string): Locator {
    return this.page.getByTestId(testId);
  }

  async waitForText(testId: string, text: string | RegExp, timeoutMs = 15_000): Promise<void> {
    await this.get(testId).filter({ hasText: text }).last().waitFor({ timeout: timeoutMs });
  }

  async waitForAlert(text: string): Promise<void> {
    await this.page.getByRole('alert').filter({ hasText: text }).waitFor();
  }

  async ask(text: string): Promise<void> {
    await this.get('input').fill(text);
    await this.get('send').click();
    await this.until('the question was sent', ({ actions }) => actions.at(-1)?.action === 'send');
  }

  press(key: string): Promise<void> {
    return this.page.keyboard.press(key);
  }

  /** Lets so much of the audio clock pass. */
  async listen(audioMs: number): Promise<void> {
    await this.page.evaluate(`parleyEar.listen(${audioMs})`);
    await this.refresh();
  }

  /** Keeps every sample that the page plays from now on. Its policy must be bypassed. */
  async keepSamples(): Promise<void> {
    await this.page.evaluate(`parleyEar.keepSamples(${JSON.stringify(await readFile(WORKLET, 'utf8'))})`);
  }

  /** What was kept, pauses included. */
  async samples(): Promise<Int16Array> {
    const kept = Buffer.from(z.base64().parse(await this.page.evaluate('parleyEar.samples()')), 'base64');
    return Int16Array.from({ length: kept.length / 2 }, (_, index) => kept.readInt16LE(2 * index));
  }

  async reload(): Promise<void> {
    await this.page.reload();
  }

  /** Each frame from now on tells the levels of these frequencies. */
  async watchTones(frequenciesHz: readonly number[]): Promise<void> {
    await this.page.evaluate(`parleyEar.watchTones(${JSON.stringify(frequenciesHz)})`);
  }

  /** Waits until the recording shows it. */
  async until(what: string, look: (recording: PageRecording) => boolean, timeoutMs = 15_000): Promise<void> {
    await until(
      what,
      async () => {
        await this.refresh();
        return look(this.recording);
      },
      timeoutMs,
    );
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: resolve(SCREENSHOTS, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  private async refresh(): Promise<void> {
    this.recording.add(await this.page.evaluate('parleyEar.drain()'));
  }
}

const eventOf = (payload: string): WireEvent => JSON.parse(payload) as WireEvent;
