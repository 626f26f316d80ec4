const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does something that gives way to nothing else, and may take as long as it likes: meanwhile a signal ends this process at once, whoever
 * listens for it.
 */
export function lettingSignalsEnd<T>(work: () => T): T {
  const kept = ENDING.map((signal) => [signal, process.rawListeners(signal)] as const);
  for (const [signal] of kept) process.removeAllListeners(signal);
  try {
    return work();
  } finally {
    for (const [signal, listeners] of kept) {
      for (const listener of listeners) process.on(signal, listener as NodeJS.SignalsListener);
    }
  }
}
