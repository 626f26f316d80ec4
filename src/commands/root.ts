import { SnapError } from '../host/error.ts';
import { ownFile } from '../host/own.ts';
import { findProgram } from '../host/path.ts';
import { say } from './print.ts';

/** What sudo would drop and snap heeds. */
const KEPT = [
  'NO_COLOR',
  'TERM',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
] as const;

const LAUNCHER = ownFile('bin/snap');

/**
 * Has root run this: the process becomes sudo with the same command line, and does not return.
 * @throws SnapError HOST when there is no sudo.
 */
export function becomeRoot(argv: readonly string[]): void {
  const sudo = findProgram('sudo');
  if (sudo === undefined) {
    throw new SnapError('HOST', 'Cannot become root: "sudo" is not installed', {
      hint: 'give the same command as root, or: apt-get install sudo',
    });
  }
  say('snap: this needs root, going on under sudo');
  const kept = KEPT.filter((name) => process.env[name] !== undefined);
  const words = kept.length > 0 ? [`--preserve-env=${kept.join(',')}`] : [];
  const environment = Object.entries(process.env).filter(([, value]) => value !== undefined);
  process.execve!(sudo, [sudo, ...words, '--', LAUNCHER, ...argv], Object.fromEntries(environment));
}
