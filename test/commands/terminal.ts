import { spawn } from 'node:child_process';

/** A key press of its own, or the text of several. */
export type Step = { readonly see: RegExp; readonly type: string };

export type Typed = { readonly status: number | null; readonly screen: string };

/** Characters of what was shown at last. */
const END = 4000;
/** Seconds that a step may take. */
const PATIENCE = 240;

/**
 * Runs a command on a real terminal, as `script` makes one, and types each step's keys when it shows what the step waits for: in
 * what came after the keys before. Colours and movements of the cursor are taken out of what it shows.
 */
export async function typeInto(command: string, steps: readonly Step[]): Promise<Typed> {
  const child = spawn('script', ['-qefc', `stty rows 40 cols 120; ${command}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, TERM: 'xterm' },
  });
  let raw = '';
  child.stdout.on('data', (chunk: Buffer) => {
    raw += chunk.toString('latin1');
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  let typed = 0;
  for (const { see, type } of steps) {
    await shown(
      () => plain(raw.slice(typed)),
      see,
      () => child.exitCode !== null,
      () => child.kill(),
    );
    typed = raw.length;
    child.stdin.write(type);
  }
  const status = await ended;
  return { status, screen: plain(raw).slice(-END) };
}

/** Once it is shown, and nothing more comes for a moment: a menu takes no key while it is drawn. */
async function shown(
  text: () => string,
  see: RegExp,
  isOver: () => boolean,
  stop: () => void,
): Promise<void> {
  const until = Date.now() + PATIENCE * 1000;
  for (let before = ''; ; ) {
    const now = text();
    if (see.test(now) && now === before) return;
    if (isOver() || Date.now() > until) {
      stop();
      throw new Error(`Not shown: ${see}, but:\n${now.slice(-2000)}`);
    }
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function plain(text: string): string {
  return text
    .replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, ' ')
    .replace(/\x1b[()][A-Z0-9]/g, '')
    .replace(/[\x0e\x0f\r]/g, '');
}
