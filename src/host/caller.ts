import { lchownSync } from 'node:fs';

/**
 * Gives a file or folder that root has made in the project to the person who called sudo; without sudo it stays as it is. To be
 * called for the new file before it is renamed to its place, as a rename keeps the owner.
 */
export function giveToCaller(path: string): void {
  const uid = id(process.env.SUDO_UID);
  const gid = id(process.env.SUDO_GID);
  if (process.getuid?.() !== 0 || uid === undefined || gid === undefined) return;
  lchownSync(path, uid, gid);
}

function id(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
