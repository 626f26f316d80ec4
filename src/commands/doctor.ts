import { join, resolve } from 'node:path';
import { table } from '../report/table.ts';
import { findProject } from './choose.ts';
import { print, printJson, reporting, say } from './print.ts';
import { type Finding, probeHost } from './probe.ts';
import type { Command } from './session.ts';

export type DoctorOptions = { readonly json?: boolean };

/** `snap doctor`: exit code 1 when something needed is missing. */
export const doctorCommand: Command<[], DoctorOptions> = (session, _args, options) =>
  reporting(options.json === true, async () => {
    const folder = resolve(session.folder ?? '.');
    const findings = await probeHost(join(findProject(folder) ?? folder, 'store'));
    const ready = findings.every(({ verdict }) => verdict !== 'missing');
    if (options.json) printJson({ ready, findings });
    else printFindings(findings, ready);
    return ready ? 0 : 1;
  });

function printFindings(findings: readonly Finding[], ready: boolean): void {
  const rows = findings.map(({ name, verdict, found, mend }) => [name, verdict, found, mend ?? '']);
  const layout = [{ title: 'what' }, { title: 'state' }, { title: 'found' }, { title: 'mend' }];
  for (const line of table(layout, rows)) print(line);
  say(ready ? 'Nothing that a build needs is missing' : 'A build needs what is missing here');
}
