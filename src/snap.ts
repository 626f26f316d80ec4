import { answerUnchanged } from './commands/unchanged.ts';

// Most builds find nothing changed: they are answered before anything else is loaded.
if (!answerUnchanged(process.argv.slice(2))) await import('./commandline.ts');
