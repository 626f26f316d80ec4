import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { giveToCaller } from '../host/caller.ts';
import { SnapError } from '../host/error.ts';
import { attempt } from '../host/program.ts';
import { writeFile } from '../host/write.ts';
import { print, say } from './print.ts';
import type { Command } from './session.ts';

export type InitOptions = { readonly name?: string };

/** `snap init [DIR]`: writes a new project and never over anything. */
export const initCommand: Command<[folder?: string], InitOptions> = async (session, [given], options) => {
  const folder = resolve(session.folder ?? '.', given ?? '.');
  const name = options.name ?? confName(basename(folder));
  const files = projectFiles(name, hostSuite(), await hostArch());
  const taken = Object.keys(files).filter((path) => existsSync(join(folder, path)));
  if (taken.length > 0) {
    throw new SnapError('USAGE', `Cannot make a project in "${folder}": "${taken[0]}" is there already`, {
      hint: 'name a new folder: snap init DIR',
    });
  }
  for (const [path, text] of Object.entries(files)) {
    makeFolder(dirname(join(folder, path)));
    writeFile(join(folder, path), text, { flag: 'wx' });
    giveToCaller(join(folder, path));
    print(join(relative('.', folder), path));
  }
  const place = relative('.', folder);
  say('');
  say('next:');
  if (place !== '') say(`  cd ${place}`);
  say('  $EDITOR scriptlets/ssh/authorized_keys        # your public key');
  say('  snap doctor       # what this machine lacks for building');
  say(`  snap build        # the image comes to images/${name}`);
  say('  git add . && git commit        # with the lock that the first build writes');
  return 0;
};

/** The files of a new project: path -> text. */
export function projectFiles(name: string, suite: string, arch: string): Readonly<Record<string, string>> {
  return {
    [`conf/${name}.toml`]: `# What goes into the image "${name}". Packages come from the mirrors of this machine's own apt sources.
suite = "${suite}"
arch = "${arch}"
scriptlets = ["system", "ssh"]

[vars]
DEVICE_NAME = "${name}"
`,
    'scriptlets/system.sh': `# systemd as the first program, and the device's name from [vars] of the conf.
install_debian_deb systemd-sysv dbus
use_var DEVICE_NAME

do_run() {
  echo "$DEVICE_NAME" > "$IMAGE_DIR/etc/hostname"
  printf '127.0.0.1\\tlocalhost\\n127.0.1.1\\t%s\\n' "$DEVICE_NAME" > "$IMAGE_DIR/etc/hosts"
}
`,
    'scriptlets/ssh.sh': `# Log in over the network, with keys only. Every device makes host keys of its own when it first starts.
need system
install_debian_deb openssh-server

do_run() {
  rm -f "$IMAGE_DIR"/etc/ssh/ssh_host_*
  copy_file host-keys.conf etc/systemd/system/ssh.service.d/
  copy_file keys-only.conf etc/ssh/sshd_config.d/
  copy_file authorized_keys root/.ssh/ 600
}
`,
    'scriptlets/ssh/authorized_keys': '# Public keys of those who may log in as root, one a line.\n',
    'scriptlets/ssh/host-keys.conf': `[Service]
# The empty line takes away the test of the unit itself, which fails as long as there are no keys.
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t
`,
    'scriptlets/ssh/keys-only.conf': 'PasswordAuthentication no\n',
    '.gitignore': '/store/\n/images/\n',
  };
}

/** A folder's name as the name of a conf: what is no letter, digit, dot, dash or underscore becomes a dash. */
function confName(folder: string): string {
  return folder.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '') || 'image';
}

/** The suite of the host where that is a Debian, as its mirrors have it. */
function hostSuite(): string {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const isDebian = /^ID=["']?debian["']?$/m.test(release);
  const suite = /^VERSION_CODENAME=["']?([a-z]+)["']?$/m.exec(release)?.[1];
  return isDebian && suite !== undefined ? suite : 'bookworm';
}

async function hostArch(): Promise<string> {
  try {
    const { exitCode, stdout } = await attempt(['dpkg', '--print-architecture']);
    return exitCode === 0 ? stdout.trim() : 'amd64';
  } catch {
    return 'amd64';
  }
}

function makeFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) giveToCaller(made);
}
