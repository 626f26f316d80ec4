import { readSync } from 'node:fs';

/** One part of a deb file. */
export type ArMember = { readonly name: string; readonly offset: number; readonly size: number };

const MAGIC = '!<arch>\n';
const HEADER = 60;

/**
 * The parts of a deb file that dpkg takes: the control archive and the data archive, which follow the format's version in this order. Parts
 * whose names begin with `_` are passed over (deb(5)).
 * @throws Error for anything else.
 */
export function debMembers(fd: number): { readonly control: ArMember; readonly data: ArMember } {
  if (textAt(fd, 0, MAGIC.length) !== MAGIC) throw new Error('it is no deb');
  const members: ArMember[] = [];
  for (let at = MAGIC.length; members.length < 3; ) {
    const member = memberAt(fd, at);
    at = member.offset + member.size + (member.size % 2);
    if (!member.name.startsWith('_') || members.length === 0) members.push(member);
  }
  const [version, control, data] = members;
  if (version?.name !== 'debian-binary' || !/^2\.\d/.test(textAt(fd, version.offset, 3))) {
    throw new Error('it is no deb of format 2');
  }
  if (!control?.name.startsWith('control.tar') || !data?.name.startsWith('data.tar')) {
    throw new Error('it has no control and data archive in that order');
  }
  return { control, data };
}

function memberAt(fd: number, at: number): ArMember {
  const header = textAt(fd, at, HEADER);
  const size = /^(\d+) *`\n$/.exec(header.slice(48))?.[1];
  if (size === undefined) throw new Error('it is cut short, or damaged');
  return { name: header.slice(0, 16).replace(/\/? *$/, ''), offset: at + HEADER, size: Number(size) };
}

function textAt(fd: number, position: number, length: number): string {
  const bytes = Buffer.alloc(length);
  return bytes.toString('latin1', 0, readSync(fd, bytes, 0, length, position));
}
