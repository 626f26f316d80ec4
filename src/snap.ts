void start(process.argv.slice(2));

/** Most builds find nothing changed: they are answered before anything else is loaded. */
async function start(argv: readonly string[]): Promise<void> {
  if (!argv.includes('build')) (await import('./commands/compiled.ts')).takeCompiled(argv);
  else if ((await import('./commands/unchanged.ts')).answerUnchanged(argv)) return;
  await import('./commandline.ts');
}
