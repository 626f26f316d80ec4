import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { findProgram } from '../../src/host/path.ts';

const PROGRAMS = ['chromium-headless-shell', 'chromium'];
/** Milliseconds: a browser that says nothing for so long is stuck. */
const PATIENCE = 60_000;

/** Why no browser can be had here; in CI there has to be one. */
export function missingBrowser(): string | undefined {
  if (PROGRAMS.some((name) => findProgram(name)) || process.env.CI) return undefined;
  return `no browser: ${PROGRAMS[0]}`;
}

type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: object;
  readonly result?: unknown;
  readonly error?: object;
};

/** A page in a browser of its own, driven by the protocol of its developer tools over two pipes. */
export class Browser {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #events: Message[] = [];
  #session: string | undefined;
  #last = 0;
  #loaded = Promise.withResolvers<void>();

  constructor() {
    const program = PROGRAMS.map(findProgram).find((found) => found !== undefined);
    if (!program) throw new Error(`There is no browser: ${PROGRAMS.join(', ')}`);
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--remote-debugging-pipe',
    ];
    this.#process = spawn(program, [...flags, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let held = '';
    (this.#process.stdio[4] as Readable).on('data', (chunk: Buffer) => {
      const parts = (held + chunk.toString()).split('\0');
      held = parts.pop() ?? '';
      for (const part of parts) this.#take(JSON.parse(part));
    });
  }

  #take(message: Message): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    } else {
      this.#events.push(message);
      if (message.method === 'Page.loadEventFired') this.#loaded.resolve();
    }
  }

  async #send<Result>(method: string, params: object = {}): Promise<Result> {
    const id = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    this.#waiting.set(id, resolve);
    const timer = setTimeout(() => reject(new Error(`The browser does not answer ${method}`)), PATIENCE);
    const message = { id, method, params, ...(this.#session ? { sessionId: this.#session } : {}) };
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    const { result, error } = await promise.finally(() => clearTimeout(timer));
    if (error) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result as Result;
  }

  /** Opens a file of the host. */
  async open(file: string, { width = 1280, scheme = 'light' } = {}): Promise<void> {
    if (!this.#session) {
      const { targetInfos } = await this.#send<{ targetInfos: { targetId: string; type: string }[] }>(
        'Target.getTargets',
      );
      const { targetId } = targetInfos.find(({ type }) => type === 'page')!;
      const { sessionId } = await this.#send<{ sessionId: string }>('Target.attachToTarget', {
        targetId,
        flatten: true,
      });
      this.#session = sessionId;
      for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await this.#send(`${domain}.enable`);
    }
    this.#events.length = 0;
    this.#loaded = Promise.withResolvers();
    await this.#send('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: scheme }],
    });
    await this.#send('Emulation.setDeviceMetricsOverride', {
      width,
      height: 1000,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await this.#send('Page.navigate', { url: `file://${file.split('/').map(encodeURIComponent).join('/')}` });
    await this.#loaded.promise;
  }

  /** The value of an expression in the page. */
  async value<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.#send<{
      result: { value: Value };
      exceptionDetails?: object;
    }>('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  }

  /** A click of a mouse in the middle of an element. */
  async click(selector: string): Promise<void> {
    const [x, y] = await this.value<[number, number]>(
      `(() => { const one = document.querySelector(${JSON.stringify(selector)}); one.scrollIntoView({ block: 'center' }); const box = one.getBoundingClientRect(); return [box.x + box.width / 2, box.y + Math.min(8, box.height / 2)]; })()`,
    );
    for (const type of ['mousePressed', 'mouseReleased'])
      await this.#send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
  }

  async type(text: string): Promise<void> {
    await this.#send('Input.insertText', { text });
  }

  /** What went wrong in the page: errors, what its policy refused; and what it asked of a network. */
  complaints(): string[] {
    const wrong = this.#events.filter(
      ({ method }) =>
        method === 'Log.entryAdded' ||
        method === 'Runtime.exceptionThrown' ||
        method === 'Runtime.consoleAPICalled',
    );
    const asked = this.#events.filter(({ method }) => method === 'Network.requestWillBeSent').slice(1);
    return [...wrong, ...asked].map(
      ({ method, params }) => `${method} ${JSON.stringify(params).slice(0, 400)}`,
    );
  }

  /** Debian's program is a shell file that waits for the browser: the whole group ends. */
  async close(): Promise<void> {
    const ended = once(this.#process, 'exit');
    process.kill(-this.#process.pid!, 'SIGKILL');
    await ended;
    for (const stream of this.#process.stdio) stream?.destroy();
  }
}
