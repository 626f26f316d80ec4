import { readFileSync } from 'node:fs';
import { Argument, Command, type CommanderError, InvalidArgumentError, Option } from 'commander';
import type { CommandTree, OptionSpec, Values } from './commands/completion.ts';
import type { AskedStep } from './commands/run.ts';
import type { Command as Action, Session } from './commands/session.ts';
import { nearest, SnapError } from './host/error.ts';
import { hearNotices } from './host/notice.ts';
import { ownFile } from './host/own.ts';
import { message } from './report/message.ts';
import { printable } from './report/printable.ts';

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof SIGNALS;

const EXIT_CODES = `
Exit codes:
  0  done
  1  failed
  2  the command line is wrong
  129, 130, 143  stopped by SIGHUP, SIGINT (Ctrl-C), SIGTERM`;

const CHECK_CODES = EXIT_CODES.replace('1  failed', '1  not the same, or failed');
const VERIFY_CODES = EXIT_CODES.replace(
  '0  done\n  1  failed',
  '0  whole\n  1  damage was found, mended or not; or failed',
);
const DOCTOR_CODES = EXIT_CODES.replace('1  failed', '1  something needed is missing');
const DIFF_CODES = EXIT_CODES.replace(
  '0  done\n  1  failed\n  2  the command line is wrong',
  '0  the same\n  1  different\n  2  trouble: something is not there, or cannot be read',
);
const DIFF_LEVELS = ['layers', 'packages', 'config', 'files', 'all'];
const RUN_CODES = EXIT_CODES.replace(
  '0  done\n  1  failed',
  '0  all that was expected was seen, or the machine went off by itself\n  1  not seen in time, the kernel panicked, or failed',
);
const CONFIG_CODES = EXIT_CODES.replace(
  '1  failed',
  '1  something is not as the fragments ask for, or failed',
);
const SHELL_CODES = EXIT_CODES.replace('0  done\n  1  failed', '0 to 255  that of the shell\n  1  failed');

type Doorway = {
  /** False: an ordinary user runs it as what they are. */
  readonly asRoot: boolean;
  /** Ctrl-C is for a program inside. */
  readonly interactive?: boolean;
  /** The exit code of a failure, where that is not 1. */
  readonly trouble?: number;
};

type Runner = (
  doorway: Doorway,
  folder: string | undefined,
  work: (session: Session) => Promise<number>,
) => Promise<void>;

/** Loads the module of a command: only the one that is called. */
type Load<Arguments extends readonly unknown[]> = () => Promise<Action<Arguments, never>>;

const ROOT: Doorway = { asRoot: true };
const ANYONE: Doorway = { asRoot: false };

/** Takes all that a command may be told, and is none. */
const LEFT_OUT: Command = new Proxy(new Command(), { get: () => () => LEFT_OUT });

void main(process.argv.slice(2));

/** The command line: argv -> command -> exit code. */
async function main(argv: readonly string[]): Promise<void> {
  // What is made has the modes that the code names, whatever the caller's umask.
  process.umask(0o022);
  const interrupt = new AbortController();
  let signalled: Signal | undefined;
  let times = 0;
  let interactive = false;
  let trouble = 1;
  for (const signal of Object.keys(SIGNALS) as Signal[]) {
    process.on(signal, () => {
      if (interactive && signal === 'SIGINT') return;
      signalled ??= signal;
      interrupt.abort(new SnapError('INTERRUPTED', `Stopped by ${signal}`));
      if (++times === 2) process.stderr.write('snap: cleaning up; once more leaves at once\n');
      if (times > 2) process.exit(SIGNALS[signalled]);
    });
  }
  ignoreClosedPipes();
  hearNotices((text) => process.stderr.write(`${printable(`snap: ${text}`)}\n`));

  let exitCode = 0;
  const run: Runner = async (doorway, folder, work) => {
    interactive = doorway.interactive ?? false;
    trouble = doorway.trouble ?? 1;
    if (doorway.asRoot && process.getuid?.() !== 0) (await import('./commands/root.ts')).becomeRoot(argv);
    exitCode = await work({ folder, signal: interrupt.signal });
  };
  try {
    await commandLineFor(argv, run).parseAsync([...argv], { from: 'user' });
  } catch (error) {
    exitCode = failed(error, signalled) ?? trouble;
  }
  await Promise.all([process.stdout, process.stderr].map(written));
  process.exit(signalled === undefined ? exitCode : SIGNALS[signalled]);
}

/** Waits until a pipe has taken everything: leaving throws the rest away. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.write('', () => resolve());
  return promise;
}

/** With the command alone that is asked for, as making all of them takes milliseconds; with all where it is not plain which one that is. */
function commandLineFor(argv: readonly string[], run: Runner): Command {
  const asked = argv[0] === '-C' ? argv[2] : argv[0];
  const isAsked = ({ commands }: Command): boolean => commands.some((command) => command.name() === asked);
  const program = commandLine(run, asked);
  return isAsked(program) && asked !== 'completion' ? program : commandLine(run);
}

function commandLine(run: Runner, only?: string): Command {
  const program = new Command('snap')
    .description('Builds Debian images for embedded Linux from cached, independent layers.')
    .version(version(), '--version', 'print the version')
    .option('-C <dir>', "the project's folder, instead of the one at or above the working directory")
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError(false)
    .addHelpText('after', help(['snap init device && cd device', 'snap build'], EXIT_CODES))
    .exitOverride((error) => failUsage(program, error));

  /** One command: its name and arguments, what it is for, examples, and where it lives. */
  const addTo = <Arguments extends readonly unknown[]>(
    parent: Command,
    usage: string,
    description: string,
    examples: readonly string[],
    doorway: Doorway,
    load: Load<Arguments>,
    exitCodes = EXIT_CODES,
  ): Command => {
    const name = parent === program ? usage.split(' ', 1)[0] : parent.name();
    if (only !== undefined && name !== only) return LEFT_OUT;
    const command = parent
      .command(usage)
      .description(description)
      .addHelpText('after', help(examples, exitCodes));
    command.exitOverride((error) => failUsage(command, error));
    return command.action((...given: unknown[]) => {
      const args = given.slice(0, -2) as unknown as Arguments;
      return run(doorway, program.opts<{ C?: string }>().C, async (session) =>
        (await load())(session, args, command.opts() as never),
      );
    });
  };
  const add = <Arguments extends readonly unknown[]>(
    usage: string,
    description: string,
    examples: readonly string[],
    doorway: Doorway,
    load: Load<Arguments>,
    exitCodes = EXIT_CODES,
  ): Command => addTo(program, usage, description, examples, doorway, load, exitCodes);

  add(
    'init [dir]',
    'make a new project: a conf, two scriptlets, .gitignore',
    ['snap init device', 'snap init --name gateway .'],
    ANYONE,
    async () => (await import('./commands/init.ts')).initCommand,
  ).option('--name <name>', "the conf's name, instead of the folder's");

  add(
    'lock [conf]',
    'pin every package, or move pins',
    ['snap lock', 'snap lock demo --update', 'snap lock demo --update openssh-server curl'],
    ROOT,
    async () => (await import('./commands/lock.ts')).lockCommand,
  )
    .option('--update [pkg...]', 'let the pins of these packages move, or of all')
    .option('--offline', 'ask no server')
    .addOption(json());

  add(
    'build [conf]',
    'build the image: what changed runs, all else comes from the store',
    ['snap build', 'snap build demo --locked --json', 'snap build demo --rerun bluez', 'snap build --watch'],
    ROOT,
    async () => (await import('./commands/build.ts')).buildCommand,
  )
    .addOption(jobs())
    .option('--locked', 'refuse to change the lock')
    .option('--offline', 'ask no server')
    .option('-n, --dry-run', 'only tell what would run')
    .option('--watch', 'build again whenever a file is saved, until Ctrl-C')
    .option('--timeout <seconds>', 'the time that one scriptlet may take', wholeNumber)
    .option('-v, --verbose', 'tell more of what runs, such as which debs dpkg unpacks and why')
    .option('--keep-failed', 'keep the tree of a scriptlet that failed')
    .option('--clean-kernel', 'compile kernels from nothing, whether or not they are in the store')
    .addOption(new Option('--output <dir>', 'put the image there instead of images/'))
    .addOption(
      new Option('--rerun <layer>', 'run this layer whatever the store has; may be repeated').argParser(
        collect,
      ),
    )
    .addOption(json());

  add(
    'plan [conf]',
    'tell which layers a build would run, and why',
    ['snap plan', 'snap plan demo --json'],
    ROOT,
    async () => (await import('./commands/plan.ts')).planCommand,
  )
    .addOption(jobs())
    .addOption(new Option('--rerun <layer>', 'as if built with it; may be repeated').argParser(collect))
    .addOption(json());

  add(
    'why [layer] [conf]',
    'tell why a layer ran, or where a path of the image comes from',
    ['snap why bluez', 'snap why settle/udev demo --against ~1', 'snap why --path /usr/bin/dbus-send demo'],
    ROOT,
    async () => (await import('./commands/why.ts')).whyCommand,
  )
    .addOption(new Option('--against <number>', 'compare with this build: its number, or ~N before the last'))
    .addOption(new Option('--path <path>', 'the same as snap blame PATH'))
    .addOption(json());

  add(
    'graph [conf]',
    'draw the layers, what they need, and what a build would run',
    ['snap graph demo --output demo.svg', 'snap graph demo --format dot'],
    ROOT,
    async () => (await import('./commands/graph.ts')).graphCommand,
  )
    .addOption(
      new Option('--format <format>', "without it the output's ending says, else svg").choices([
        'svg',
        'dot',
        'json',
      ]),
    )
    .addOption(new Option('--output <file>', 'write there instead of to standard output'));

  add(
    'log <layer>',
    "print the log of a layer's last run",
    ['snap log bluez', 'snap log settle/fontconfig'],
    ROOT,
    async () => (await import('./commands/log.ts')).logCommand,
  );

  add(
    'shell [conf|layer] [command...]',
    'open a root shell in a throw-away copy of the image, or of what a scriptlet sees',
    ['snap shell demo', 'snap shell bluez', 'snap shell demo -- dpkg --audit'],
    { asRoot: true, interactive: true },
    async () => (await import('./commands/shell.ts')).shellCommand,
    SHELL_CODES,
  ).option('--conf <conf>', 'what the scriptlet sees in this conf');

  const scripted: AskedStep[] = [];
  const step =
    (kind: AskedStep['kind']) =>
    (text: string): readonly AskedStep[] => {
      scripted.push({ kind, text, place: scripted.length });
      return scripted.filter((one) => one.kind === kind);
    };
  add(
    'run [conf]',
    'start the image in a virtual machine, with its serial console on the terminal; Ctrl-A x ends it',
    [
      'snap run demo-boot',
      'snap run demo-boot --forward 2222:22',
      "snap run demo-boot --timeout 120 --expect 'login:' --send root --expect 'Password:'",
    ],
    ROOT,
    async () => (await import('./commands/run.ts')).runCommand,
    RUN_CODES,
  )
    .addOption(new Option('--kernel <file>', "this kernel instead of the newest in the image's /boot"))
    .addOption(
      new Option('--append <words>', "for the end of the kernel's command line; may be repeated").argParser(
        collect,
      ),
    )
    .addOption(
      new Option('--root <kind>', 'the filesystem that is made of the image').choices(['squashfs', 'erofs']),
    )
    .addOption(
      new Option('--expect <regex>', 'end well once the console shows it; several: in this order').argParser(
        step('expect'),
      ),
    )
    .addOption(
      new Option('--send <text>', 'type it, and Enter, once the --expect before it was seen').argParser(
        step('send'),
      ),
    )
    .option('--timeout <seconds>', 'fail after so many seconds; 300 with --expect', wholeNumber)
    .option('--memory <mib>', 'memory of the machine', wholeNumber, 512)
    .option('--cpus <n>', 'its processors', wholeNumber, 1)
    .option('--net', 'let it use the network of this machine')
    .addOption(
      new Option(
        '--forward <port:port>',
        "lead a port of this machine's loopback to one of the device's; may be repeated",
      ).argParser(collect),
    )
    .option('--no-kvm', 'emulate the processor, without trying whether KVM works');

  const kernel = program
    .command('kernel')
    .description(
      "look into the configuration of a kernel, change it in the kernel's own menus, enter its source",
    )
    .helpCommand(false)
    .exitOverride((error) => failUsage(kernel, error));

  addTo(
    kernel,
    'config [conf] [scriptlet]',
    'print the configuration of a kernel, and where each line comes from',
    ['snap kernel config', 'snap kernel config demo-boot --diff', 'snap kernel config --json'],
    ROOT,
    async () => (await import('./commands/kernel-config.ts')).kernelConfigCommand,
    CONFIG_CODES,
  )
    .option('--diff', 'only what is not as in the base that the fragments are laid over')
    .addOption(json());

  addTo(
    kernel,
    'menuconfig <scriptlet> <fragment>',
    "open the kernel's own menus, and write what was changed in them into a fragment",
    ['snap kernel menuconfig kernel default.kconfig', 'snap kernel menuconfig kernel device-new.kconfig'],
    { asRoot: true, interactive: true },
    async () => (await import('./commands/kernel-menuconfig.ts')).kernelMenuconfigCommand,
    CONFIG_CODES,
  ).option('--conf <conf>', 'the kernel as it is in this conf');

  addTo(
    kernel,
    'shell [scriptlet] [command...]',
    'open a root shell in the patched source of a kernel, a throw-away copy',
    ['snap kernel shell', 'snap kernel shell kernel -- make -s kernelrelease'],
    { asRoot: true, interactive: true },
    async () => (await import('./commands/kernel-shell.ts')).kernelShellCommand,
    SHELL_CODES,
  ).option('--conf <conf>', 'the kernel as it is in this conf');

  add(
    'check [conf]',
    'build the conf the old way, without layers, and compare it with the image',
    ['snap check demo', 'snap check demo --json'],
    ROOT,
    async () => (await import('./commands/check.ts')).checkCommand,
    CHECK_CODES,
  )
    .addOption(jobs())
    .addOption(json());

  add(
    'blame <path> [image]',
    'tell where a path of an image comes from, and in which builds it changed',
    ['snap blame /usr/bin/dbus-send', 'snap blame /etc/passwd demo~1 --json'],
    ROOT,
    async () => (await import('./commands/blame.ts')).blameCommand,
  ).addOption(json());

  add(
    'ls [image] [path]',
    'list a folder of an image',
    ['snap ls /etc', 'snap ls demo@3 /usr/lib/systemd -R', 'snap ls demo --json'],
    ROOT,
    async () => (await import('./commands/ls.ts')).lsCommand,
  )
    .option('-R, --recursive', 'the folders in it too')
    .addOption(json());

  add(
    'cat <path...>',
    'print files of an image',
    ['snap cat /etc/passwd', 'snap cat demo~1 /etc/passwd /etc/group', 'snap cat demo@3 /bin/ls > ls'],
    ROOT,
    async () => (await import('./commands/cat.ts')).catCommand,
  ).usage('[image] <path...>');

  add(
    'history [conf]',
    'list the builds of a conf, or of all: what ran, how large, which can be looked into',
    ['snap history', 'snap history demo -n 5 --json'],
    ROOT,
    async () => (await import('./commands/history.ts')).historyCommand,
  )
    .option('-n, --newest <n>', 'only so many of each conf', wholeNumber)
    .addOption(json());

  add(
    'tag [build] [tag]',
    'give a build a name, which also keeps it',
    ['snap tag demo@3 release-1.0', 'snap tag', 'snap tag --delete release-1.0'],
    ROOT,
    async () => (await import('./commands/tag.ts')).tagCommand,
  )
    .option('--list', 'list the tags, as without arguments')
    .option('--delete <tag>', 'take the name away; the build is kept no longer for it')
    .option('--force', 'let a tag of this name be another build from now on')
    .addOption(json());

  add(
    'pin [build]',
    'keep a build until it is let go; without one, list those that are kept',
    ['snap pin demo@3', 'snap pin'],
    ROOT,
    async () => (await import('./commands/pin.ts')).pinCommand,
  ).addOption(json());

  add(
    'unpin <build>',
    'let go of a build that was pinned',
    ['snap unpin demo@3'],
    ROOT,
    async () => (await import('./commands/pin.ts')).unpinCommand,
  ).addOption(json());

  add(
    'restore <build> <dir>',
    'make the image of a build again, into a folder; nothing runs',
    ['snap restore demo~1 /tmp/before', 'snap restore release-1.0 rootfs --copy'],
    ROOT,
    async () => (await import('./commands/restore.ts')).restoreCommand,
  )
    .option('--copy', 'share no file with the store: to be edited in place')
    .addOption(json());

  add(
    'verify',
    'look for damage in the store and the images, and mend it',
    ['snap verify', 'snap verify --deep --repair', 'snap verify --rebuild-index --json'],
    ROOT,
    async () => (await import('./commands/verify.ts')).verifyCommand,
    VERIFY_CODES,
  )
    .option('--deep', 'read every file')
    .option('--repair', 'mend what is damaged, and tell what cannot be mended')
    .option('--rebuild-index', 'make index.db anew from the folders first')
    .addOption(json());

  add(
    'diff <a> <b>',
    'compare two builds, layers, folders or archives',
    [
      'snap diff demo~1 demo',
      'snap diff demo@3 ./root --path etc --patch',
      'snap diff demo backup.tar.gz --ignore-times --html diff.html',
    ],
    { asRoot: true, trouble: 2 },
    async () => (await import('./commands/diff.ts')).diffCommand,
    DIFF_CODES,
  )
    .addOption(
      new Option('--level <level>', 'show this alone; may be repeated')
        .choices(DIFF_LEVELS)
        .argParser(collectFrom(DIFF_LEVELS)),
    )
    .addOption(new Option('--path <glob>', 'only these paths; may be repeated').argParser(collect))
    .addOption(new Option('--ignore <glob>', 'not these paths; may be repeated').argParser(collect))
    .option('--ignore-times', 'a file of which only the time differs is the same')
    .option('--patch', 'print a patch of text files instead of the report')
    .addOption(html())
    .addOption(json());

  add(
    'size [image]',
    'tell what makes an image large: by layer, package and folder',
    ['snap size', 'snap size demo@3 --by package', 'snap size demo --html size.html'],
    ROOT,
    async () => (await import('./commands/size.ts')).sizeCommand,
  )
    .addOption(
      new Option('--by <part>', 'this table alone, as a whole').choices(['layer', 'package', 'folder']),
    )
    .addOption(html())
    .addOption(json());

  add(
    'list',
    'list the confs and their images',
    ['snap list', 'snap list --json'],
    ROOT,
    async () => (await import('./commands/list.ts')).listCommand,
  ).addOption(json());

  add(
    'gc',
    'remove what nothing needs from the store, or as much as a limit asks for',
    ['snap gc -n', 'snap gc --keep-builds 5', 'snap gc --max-size 20GB', 'snap gc --why bluez'],
    ROOT,
    async () => (await import('./commands/gc.ts')).gcCommand,
  )
    .option('-n, --dry-run', 'only tell what would go')
    .option('--keep-builds <n>', 'keep the last builds of each conf; 3 without it', wholeNumber)
    .option('--keep-younger-than <age>', 'keep what was used since, as in 14d')
    .option('--max-size <size>', 'remove only until the store takes no more, as in 20GB or 30%')
    .option('--min-free <size>', 'remove only until so much is free on its filesystem')
    .option('--why <layer>', 'tell what keeps a layer, and remove nothing')
    .addOption(json());

  add(
    'du',
    'tell what store and images take on the disk',
    ['snap du', 'snap du --json'],
    ROOT,
    async () => (await import('./commands/du.ts')).duCommand,
  ).addOption(json());

  add(
    'clean [conf...]',
    'remove images; the store stays',
    ['snap clean', 'snap clean demo'],
    ROOT,
    async () => (await import('./commands/clean.ts')).cleanCommand,
  ).addOption(json());

  add(
    'doctor',
    'tell what this machine has and lacks for building',
    ['snap doctor', 'sudo snap doctor --json'],
    ANYONE,
    async () => (await import('./commands/doctor.ts')).doctorCommand,
    DOCTOR_CODES,
  ).addOption(json());

  add(
    'completion',
    'print the completion script of a shell',
    ['snap completion bash > /etc/bash_completion.d/snap', 'snap completion fish | source'],
    ANYONE,
    async () => (await import('./commands/completion.ts')).completionCommand(treeOf(program)),
  )
    .addArgument(new Argument('[shell]', 'bash, zsh or fish').choices(['bash', 'zsh', 'fish']))
    .addOption(
      new Option('--names <kind>').choices(['confs', 'layers', 'both', 'builds', 'tags']).hideHelp(),
    );

  return program;
}

function jobs(): Option {
  return new Option(
    '-j, --jobs <n>',
    'layers that run at a time; without it two more than processors',
  ).argParser(wholeNumber);
}

function json(): Option {
  return new Option('--json', 'print the result as JSON');
}

function html(): Option {
  return new Option('--html <file>', 'write one page of HTML there, which needs no network');
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number from 1 on is expected');
}

function collect(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}

/** What commander makes of choices takes the last one alone. */
function collectFrom(choices: readonly string[]) {
  return (value: string, values: readonly string[] = []): readonly string[] => {
    if (choices.includes(value)) return [...values, value];
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}`);
  };
}

function help(examples: readonly string[], exitCodes: string): string {
  return `\n${examples.length > 1 ? 'Examples' : 'Example'}:\n${examples.map((line) => `  ${line}`).join('\n')}\n${exitCodes}`;
}

/** Help and version are no failures; all else that commander finds wrong is told in snap's own words. */
function failUsage(command: Command, error: CommanderError): never {
  if (error.exitCode === 0) throw error;
  const text = error.message.replace(/^error: /, '');
  const hint = `see ${commandPath(command)} --help`;
  const word = /'([^' ]+)/.exec(text)?.[1] ?? '';
  switch (error.code) {
    case 'commander.help':
      throw error;
    case 'commander.unknownCommand':
      throw unknown(
        'command',
        word,
        command.commands.map((known) => known.name()),
        hint,
      );
    case 'commander.unknownOption':
      throw unknown('option', word, optionsOf(command), hint);
    default:
      throw new SnapError('USAGE', sentence(text), { hint });
  }
}

function unknown(what: string, name: string, names: readonly string[], hint: string): SnapError {
  const near = nearest(name, names).map((found) => `"${found}"`);
  return new SnapError('USAGE', `Unknown ${what} "${name}"`, {
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}? ${hint}` : hint,
  });
}

function optionsOf(command: Command): string[] {
  const own = command.options
    .filter((option) => !option.hidden)
    .map((option) => option.long ?? option.short ?? '');
  return command.parent === null ? own : [...own, ...optionsOf(command.parent)];
}

function commandPath(command: Command): string {
  return command.parent === null ? command.name() : `${commandPath(command.parent)} ${command.name()}`;
}

/** Commander's words in the form of all messages: capital first, names in double quotes, no full stop. */
function sentence(text: string): string {
  const quoted = text.replaceAll("'", '"').replace(/\.$/, '');
  return quoted.charAt(0).toUpperCase() + quoted.slice(1);
}

/** Tells a failure and returns the exit code; undefined for that of the command. */
function failed(error: unknown, signalled: Signal | undefined): number | undefined {
  if (isCommanderError(error)) return error.exitCode === 0 ? 0 : 2;
  const shown = signalled === undefined ? error : new SnapError('INTERRUPTED', `Stopped by ${signalled}`);
  process.stderr.write(`${message(shown).join('\n')}\n`);
  return error instanceof SnapError && error.code === 'USAGE' ? 2 : undefined;
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

/** `snap list | head -1` is no failure, and a terminal that is gone is no reason to stop cleaning up. */
function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
}

function treeOf(program: Command): CommandTree {
  return {
    options: program.options.map(optionSpec),
    commands: program.commands.map((command) => ({
      name: command.name(),
      description: command.description(),
      options: command.options.filter((option) => !option.hidden).map(optionSpec),
      args:
        command.commands.length > 0
          ? [
              { kind: 'words' as const, words: command.commands.map((one) => one.name()) },
              { kind: 'names' as const, of: 'both' as const },
            ]
          : command.registeredArguments.map((argument) => valuesOf(argument.name(), argument.argChoices)),
    })),
  };
}

function optionSpec(option: Option): OptionSpec {
  const takesValue = option.required && /<(.+)>/.exec(option.flags);
  return {
    ...(option.short === undefined ? {} : { short: option.short }),
    ...(option.long === undefined ? {} : { long: option.long }),
    description: option.description,
    ...(takesValue ? { value: valuesOf(takesValue[1]!, option.argChoices) } : {}),
  };
}

/** What may stand for a name in the usage line: `<conf>` a conf, `<dir>` a folder. */
function valuesOf(name: string, choices: readonly string[] | undefined): Values {
  if (choices !== undefined) return { kind: 'words', words: choices };
  if (name === 'conf') return { kind: 'names', of: 'confs' };
  if (name === 'layer') return { kind: 'names', of: 'layers' };
  if (name === 'conf|layer') return { kind: 'names', of: 'both' };
  if (name === 'build' || name === 'image') return { kind: 'names', of: 'builds' };
  if (name === 'tag') return { kind: 'names', of: 'tags' };
  return { kind: name === 'dir' ? 'folders' : name === 'file' ? 'files' : 'free' };
}

function version(): string {
  const text = readFileSync(ownFile('package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
