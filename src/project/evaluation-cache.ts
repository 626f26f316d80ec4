import type { Evaluation } from './evaluation.ts';

/** Keeps texts under keys; it may forget, and never returns what was not set under that very key. */
export type EvaluationCache = {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  /** A short key that stands for a text and for no other. */
  keyOf(text: string): string;
};

/** All that an evaluation depends on, but for the variables that it declares. */
export type EvaluationInput = {
  /** Digest of the evaluator's own text. */
  readonly evaluator: string;
  /** Which bash this is: size and time of its file. */
  readonly bash: string;
  readonly arch: string;
  readonly suite: string;
  readonly name: string;
  readonly text: string;
};

/**
 * Walks to a remembered evaluation. Which variables a scriptlet declares is known only from evaluating it, and may depend on the
 * values of those declared before; so each step asks "with these values, what comes next": one more variable, or the result.
 * A variable that the conf does not give ends the walk.
 */
export function recall(
  cache: EvaluationCache,
  input: EvaluationInput,
  lookUp: (name: string) => string | undefined,
): Evaluation | undefined {
  const known: [string, string][] = [];
  for (;;) {
    const step = parseStep(cache.get(stepKey(cache, input, known)));
    if (step === undefined || 'evaluation' in step) return step?.evaluation;
    const value = lookUp(step.uses);
    if (value === undefined) return undefined;
    known.push([step.uses, value]);
  }
}

/** Lays the steps that `recall` walks. */
export function remember(
  cache: EvaluationCache,
  input: EvaluationInput,
  evaluation: Evaluation,
  lookUp: (name: string) => string | undefined,
): void {
  const known: [string, string][] = [];
  for (const uses of declaredVariables(evaluation)) {
    const value = lookUp(uses);
    if (value === undefined) return;
    setStep(cache, stepKey(cache, input, known), { uses });
    known.push([uses, value]);
  }
  setStep(cache, stepKey(cache, input, known), { evaluation });
}

/** Arguments of `use_var`, each once, in the order declared. */
export function declaredVariables(evaluation: Evaluation): string[] {
  const uses = evaluation.declarations.filter(({ word }) => word === 'use_var');
  return [...new Set(uses.flatMap(({ args }) => args))];
}

type Step = { readonly uses: string } | { readonly evaluation: Evaluation };

function setStep(cache: EvaluationCache, key: string, step: Step): void {
  cache.set(key, JSON.stringify(step));
}

function parseStep(text: string | undefined): Step | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Step);
}

function stepKey(cache: EvaluationCache, input: EvaluationInput, known: readonly [string, string][]): string {
  const { evaluator, bash, arch, suite, name, text } = input;
  const canonical = JSON.stringify(['evaluation 1', evaluator, bash, arch, suite, name, text, known]);
  return cache.keyOf(canonical);
}
